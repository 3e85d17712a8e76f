"""What Ray is told wherever it runs; it reads the environment when it is imported or started."""

RAY = {
    "RAY_AUTH_MODE": "token",  # without it any user of the machine can run code in the cluster
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # progress is this program's own
    "RAY_COLOR_PREFIX": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # trials write their own rows; Tune's files cost five times as much
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is for the caller, at once
}
OBJECT_STORE_BYTES = 100_000_000  # trials exchange numbers, not arrays; Ray takes no less than 75 MB
