"""What is told of a cycle: plan log, artifacts, terminal, operator log. Decides nothing."""
