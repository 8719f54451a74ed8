"""WebSocket streams of the practice exchange."""
