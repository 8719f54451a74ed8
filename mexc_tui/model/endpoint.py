"""Addresses of an exchange."""

import msgspec


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON line printed by `mexc-tui exchange` and read by `--exchange FILE`."""

    rest: str
    """Origin of the REST API, without `/api/v3`."""
    ws: str
    """Full WebSocket URL."""
    web: str
    """Origin of the web site's endpoints (calendar, symbolsV2)."""
    api_key: str = ""
    api_secret: str = ""
    exchange_session: str = ""
    """Id of the practice session, part of the ledger's scope; empty for the real exchange."""

    def __repr__(self) -> str:
        """Show the addresses, never the secret."""
        addresses = f"rest={self.rest!r}, ws={self.ws!r}, web={self.web!r}"
        return f"Endpoint({addresses}, exchange_session={self.exchange_session!r})"
