"""What commands do with chosen rows: from LiteLLM's listing to the report. No backend is asked."""
