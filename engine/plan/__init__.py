"""Desired and observed state -> the plan. Pure."""
