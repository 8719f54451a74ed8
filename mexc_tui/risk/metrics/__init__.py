"""Metrics of the desk, each a pure function of frozen values (formulas E0)."""
