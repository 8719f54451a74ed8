"""WebSocket streams: connections, subscriptions, messages and the user stream."""
