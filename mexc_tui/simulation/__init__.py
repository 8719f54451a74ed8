"""Virtual time and an in-memory network: the real code, days in seconds."""
