"""Engine life cycle: supervision, event feed, threads, loop health, retention."""
