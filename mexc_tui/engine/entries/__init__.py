"""Snipes: armed, planned, fired at the opening."""
