"""Explains one model: what is known of it, what was decided about it, and by which rule.

Decides nothing: the stages of a cycle say what they decided, and this is found and shown here.
"""
