"""The loop around the cycle: schedule, signals, heartbeat. Does not know what a plan contains."""
