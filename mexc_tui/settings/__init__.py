"""Every setting once, and the ways by which it gets its value."""
