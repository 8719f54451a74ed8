"""Output of the query commands: pages, tables and JSON."""
