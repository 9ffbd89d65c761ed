"""Carries plans out. Compares nothing and plans nothing."""
