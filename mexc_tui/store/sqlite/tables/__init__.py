"""Tables of the SQLite store: one module for each group of rows."""
