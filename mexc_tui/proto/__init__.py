"""MEXC's stream messages: our own schema and its generated module."""
