"""What we know now: books, tapes, symbols, listings. Pure: no clock, no network, no database."""
