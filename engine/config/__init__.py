"""The configuration file and the key files -> frozen values. Sends no requests."""
