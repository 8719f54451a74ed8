"""Virtual time and an in-memory network: run days of the real code in seconds."""
