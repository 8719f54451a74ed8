"""Pure ledger logic: orders, fills, lots, positions, entries, and reconciliation with the exchange."""
