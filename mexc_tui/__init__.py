"""A trading desk for MEXC spot listings, in a terminal."""

__version__ = "0.1.0"
