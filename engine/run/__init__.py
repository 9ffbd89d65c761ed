"""The loop around the cycle: schedule, signals, heartbeat. Knows nothing of plans."""
