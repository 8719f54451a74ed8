"""Market data: polls, streams, prices, order books, and what is known of pairs and listings."""
