"""What Ray reads from the environment when it is imported or started, here and in every process that it starts."""

RAY = {
    "RAY_AUTH_MODE": "token",  # without it any user of the machine can run code in the cluster
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # progress is this program's own
    "RAY_COLOR_PREFIX": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # trials write their own rows; Tune's files cost five times as much
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is for the caller, at once
}
