"""Listings and configuration -> the desired state. Pure."""
