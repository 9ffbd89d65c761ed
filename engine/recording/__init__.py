"""One cycle as a folder: its HTTP, recorded without secrets, and played again without a network."""
