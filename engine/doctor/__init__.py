"""``doctor``: what is wrong with an installation, why it matters, and what to do. Only reads."""
