"""What ``modelprovisioner demo`` shows the engine at work on: servers simulated in this process."""
