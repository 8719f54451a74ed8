"""Pure: orders, fills, lots, positions, the books of the desk and their agreement with the exchange."""
