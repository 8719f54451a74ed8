"""Trading state, risk monitor, emergency stop, live unlock, invariants."""
