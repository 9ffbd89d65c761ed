"""Tells webhooks what is new after a cycle. Never holds up the loop, and never decides anything."""
