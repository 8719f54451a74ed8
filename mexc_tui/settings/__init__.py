"""Settings: definitions, layers and loading."""
