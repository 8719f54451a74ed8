"""Limits before a trade, levels of the guard, metrics. Pure: values and the time come in."""
