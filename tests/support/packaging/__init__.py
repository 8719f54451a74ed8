"""Helpers for tests of the package as a whole."""
