"""WebSocket streams: shards, subscriptions, messages, the user stream."""
