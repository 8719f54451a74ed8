"""Exits of open positions: watched, sold, take-profits, dust."""
