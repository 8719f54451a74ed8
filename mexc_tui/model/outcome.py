"""Outcome of a request that changes something, and advice on what to do next."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Generic, TypeAlias, TypeVar

KEY_CODES = frozenset({401, 602, 10072, 700001, 700002, 700006, 700007})
"""The exchange rejects this key, its signature or this machine's address (protocol 6.1)."""
ACCOUNT_CODES = frozenset({26, 10001, 10015, 10098, 10099, 30018, 60005})
"""The exchange accepts no orders of this account, whatever the pair (protocol 6.1; reliability R16)."""
MAX_WINDOW_MS = 60_000
"""Longest `recvWindow` (protocol 2.4)."""
SETTLE_MS = 3_000
"""How long a request may still take effect inside the exchange after its window (reliability 1.3)."""
TIME_CODES = frozenset({700003, 10073})
"""The exchange rejects the timestamp."""


class Purpose(Enum):
    """Purpose of a request: decides whether a limit, a ban or an open breaker may block it."""

    ORDINARY = "ordinary"
    ENTRY = "entry"
    EXIT = "exit"  # resting exits, cancels and queries about them
    STOP = "stop"  # sales that reduce a position now, and the cancels and queries they need

    @property
    def reduces_risk(self) -> bool:
        """Whether it may use reserves and pass breakers and most bans (architecture 2.4)."""
        return self in (Purpose.EXIT, Purpose.STOP)


class Advice(StrEnum):
    """Advice on a response."""

    RETRY_NOW = "retry now"
    REPRICE = "re-price"  # with the rejection's number, else from the order book
    RAISE_SIZE = "raise the size"  # to the rejection's number, if any
    REDUCE_SIZE = "reduce the size"
    CHANGE_TYPE = "change the order type"
    QUERY = "query the order by its client order id"
    RESYNC_CLOCK = "measure the clock again"
    REFRESH_BALANCES = "refresh the balances"
    REFRESH_SYMBOLS = "refresh the symbols"
    RENEW_LISTEN_KEY = "get another listen key"
    WAIT = "wait"
    STOP_BUYING = "stop buying this pair"
    STOP_PAIR = "stop trading this pair"
    STOP = "stop"
    MEND = "fix the request or the key's settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A rejection by the exchange."""

    http_status: int
    code: int | None
    """None: the body has no code."""
    message: str
    """The exchange's own text, cleaned."""
    text: str
    advice: Advice
    listing_advice: Advice
    """Advice while a listing is opening: some codes then only mean "too early"."""
    definite: bool
    """Whether an order with this response certainly does not exist."""
    number: Decimal | None = None
    """Price or value in the message, where the code has one."""
    retry_after_ms: int | None = None
    """Value of Retry-After; None: not sent."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte was sent; reservations are released."""

    reason: str

    @property
    def text(self) -> str:
        """Return the reason as a sentence about the request."""
        return self.reason if self.reason.lower().startswith("not sent") else f"not sent: {self.reason}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The exchange certainly did not execute the request."""

    refusal: Refusal


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Accepted(Generic[T]):
    """The exchange executed the request and confirmed it."""

    response: T
    timestamp_ms: int = 0
    """Signed exchange time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """The outcome is unknown. Query by client order id; never resend."""

    reason: str
    timestamp_ms: int
    """Signed exchange time."""
    recv_window_ms: int
    refusal: Refusal | None = None
    """The response, if it is ambiguous."""

    @property
    def fence_ms(self) -> int:
        """Return the exchange time after which the request can no longer take effect (reliability 1.3)."""
        return self.timestamp_ms + self.recv_window_ms + SETTLE_MS


SendOutcome: TypeAlias = NotSent | Rejected | Accepted[T] | Ambiguous
"""The four outcomes of a send (reliability 1.4)."""
