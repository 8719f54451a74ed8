"""REST endpoints of the practice exchange, and its web pages."""
