"""MEXC client: REST calls, streams, limits, the firing connection."""
