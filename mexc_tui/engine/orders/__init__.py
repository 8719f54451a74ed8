"""Orders: the only sender, the resolution of ambiguous outcomes, the user stream."""
