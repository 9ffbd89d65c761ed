"""Arguments -> calls -> exit codes. Decides nothing about deployments."""
