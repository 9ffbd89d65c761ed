"""The way back from what a plan did: read from its log or file, planned, and carried out."""
