"""The story that the demo command tells."""
