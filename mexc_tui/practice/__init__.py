"""The practice exchange: a server that speaks MEXC's protocol on loopback."""
