"""MEXC client: REST calls, streams, rate limits and the firing connection."""
