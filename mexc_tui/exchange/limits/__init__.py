"""Request budget, bans, circuit breakers, clock offset."""
