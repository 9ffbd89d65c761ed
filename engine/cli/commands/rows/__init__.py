"""The commands that change chosen rows of LiteLLM."""
