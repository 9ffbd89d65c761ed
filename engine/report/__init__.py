"""Reports on a cycle: plan log, artifacts, terminal, operator log. Makes no decisions."""
