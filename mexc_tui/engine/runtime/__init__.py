"""The engine's life: supervision, event feed, threads, loop health, retention."""
