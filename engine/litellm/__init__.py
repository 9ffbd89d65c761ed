"""LiteLLM: its API, and every fact about its fields and versions. Plans nothing."""
