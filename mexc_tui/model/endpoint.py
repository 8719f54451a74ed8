"""Where an exchange can be reached."""

import msgspec


class Endpoint(msgspec.Struct, frozen=True):
    """The JSON line that `mexc-tui exchange` prints, and `--exchange FILE` reads."""

    rest: str
    """Origin of the REST API, without `/api/v3`."""
    ws: str
    """Full WebSocket URL."""
    web: str
    """Origin of the web site's endpoints (calendar, symbolsV2)."""
    api_key: str = ""
    api_secret: str = ""
    world: str = ""
    """Which practice world this is; books belong to (account, world)."""

    def __repr__(self) -> str:
        """Name the places, never the secret."""
        return f"Endpoint(rest={self.rest!r}, ws={self.ws!r}, web={self.web!r}, world={self.world!r})"
