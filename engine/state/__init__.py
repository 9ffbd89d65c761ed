"""The values that the stages pass on: frozen, comparable, free of secrets. No I/O, no decisions."""
