"""Commands that record a cycle and play it again."""
