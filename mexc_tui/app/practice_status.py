"""Status of a practice exchange, from an endpoint that MEXC does not have."""

import msgspec

from mexc_tui.exchange.rest.connection import Headers, RawResponse
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.errors import ExchangeError

PRACTICE_PATH = "/practice"
PRACTICE_DEADLINE_S = 5.0
PRACTICE_CAP_BYTES = 64 * 1024


class PracticeStatus(msgspec.Struct, frozen=True):
    """Session, start, end and setting overrides of a practice exchange."""

    exchange_session: str = ""
    start_ms: int = 0
    over: bool = False
    settings: dict[str, bool | int | float | str] = msgspec.field(
        default_factory=dict[str, bool | int | float | str]
    )
    """Overrides of settings in practice mode."""


class PracticeUnavailable(ExchangeError):
    """A practice exchange responded with an error.

    Raised by a status query. `answer` is the response: read a ban from it.
    """

    def __init__(self, method: str, path: str, problem: str, *, answer: RawResponse) -> None:
        super().__init__(method, path, problem)
        self.answer = answer


async def practice_status(transport: HttpTransport, origin: str) -> PracticeStatus:
    """Query the status of a practice exchange. Raises ExchangeError."""
    answer = await transport.send(
        "GET",
        origin,
        PRACTICE_PATH,
        query="",
        headers=Headers({"Accept": "application/json", "Accept-Encoding": "identity"}),
        deadline_s=PRACTICE_DEADLINE_S,
        cap_bytes=PRACTICE_CAP_BYTES,
    )
    if answer.status >= 400:
        raise PracticeUnavailable("GET", PRACTICE_PATH, f"HTTP {answer.status}", answer=answer)
    try:
        return msgspec.json.decode(answer.body, type=PracticeStatus)
    except msgspec.DecodeError:
        raise ExchangeError("GET", PRACTICE_PATH, "no practice exchange responds there") from None
