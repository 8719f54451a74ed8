"""A warm connection and ready requests, for orders at a given moment."""
