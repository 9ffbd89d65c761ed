"""The status of the loop as documents: what the page shows, and what programs read."""
