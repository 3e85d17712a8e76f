"""A real Slurm of three hosts on one Debian machine, for trying and for tests: network namespaces play the hosts.

Needs root, Debian's packages and the standard library of Python; nothing of the rest of this project.
"""
