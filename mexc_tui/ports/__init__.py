"""Interfaces to everything that can be replaced: clock, market data, trading, stores."""
