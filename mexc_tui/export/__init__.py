"""Export of a ledger: tables as CSV, JSON and Parquet, the performance as a page, a snipe as evidence."""
