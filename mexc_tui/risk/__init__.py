"""Pre-trade limits, risk monitor levels and metrics. Pure: values and the time are arguments."""
