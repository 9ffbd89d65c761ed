"""The plans of commands that change chosen rows. Pure."""
