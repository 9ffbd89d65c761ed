"""The port of the loop: health, readiness, metrics and the status, over HTTP. Reads the board."""
