"""Practice exchange: a server with MEXC's protocol on loopback."""
