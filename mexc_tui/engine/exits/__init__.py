"""Exits of open positions: monitor, sales, take-profits, dust."""
