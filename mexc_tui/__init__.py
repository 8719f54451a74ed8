"""A trading desk for MEXC spot listings, in a terminal."""

__version__ = "0.2.0"
