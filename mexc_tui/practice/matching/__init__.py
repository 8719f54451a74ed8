"""Core of the practice exchange: pairs, order books, matching, account."""
