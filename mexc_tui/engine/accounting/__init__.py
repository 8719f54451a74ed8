"""The ledger: written, held in memory, compared with the exchange's balances, valued."""
