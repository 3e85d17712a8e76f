#!/bin/sh
# The first process of a host, in namespaces of its own: boot.sh CODE HOSTNAME COMMAND... When the command ends the host
# is dead, as every process of a pid namespace is when the first one ends.
set -eu
code=$1
hostname "$2"
shift 2
# Copied from the machine's mounts; they would keep other clusters' namespaces after their end.
umount --recursive --lazy /run/netns
exec 3<"$code"
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /tmp /dev/shm
case $code in
/tmp/* | /dev/shm/*) # a clone of the project there: jobs must find it
    mkdir -p "$code"
    mount --no-canonicalize --bind /proc/self/fd/3 "$code"
    ;;
esac
exec 3<&-
"$@" &
# Orphans are given to this process, and end as zombies unless it waits.
wait $!
