"""Asks every backend what it serves. Names, filters and registers nothing."""
