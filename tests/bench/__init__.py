"""``python -m tests.bench``: what a cycle costs, beside the least that its requests can cost."""
