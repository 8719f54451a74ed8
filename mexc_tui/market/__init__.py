"""State of the market: order books, tapes, symbols, listings. Pure: no clock, no network, no database."""
