"""The operator's file and keys -> frozen values. Asks no server."""
