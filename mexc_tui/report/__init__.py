"""The report of a day: what was seen, what was signalled, what then happened. Pure."""
