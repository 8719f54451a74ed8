"""Warm connection and prepared requests for orders at an exact time."""
