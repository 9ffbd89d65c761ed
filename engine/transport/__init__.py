"""HTTP with bounds, deadlines and redaction. Knows nothing of LiteLLM, backends or plans."""
