"""A simulated LiteLLM and simulated backends, for demo and tests. Imports nothing of ours."""
