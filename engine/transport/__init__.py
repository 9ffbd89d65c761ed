"""HTTP with bounds and deadlines. Knows nothing of LiteLLM, backends or plans."""
