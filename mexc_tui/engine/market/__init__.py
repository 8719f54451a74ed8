"""Market data: polls, streams, prices, order books, and the knowledge of pairs and listings."""
