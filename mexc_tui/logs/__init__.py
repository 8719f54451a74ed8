"""Where the desk's own log goes: repeated messages are collapsed, files are bounded, nothing here raises."""
