"""What became of a request that changes something, and what a desk should do about it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Generic, TypeAlias, TypeVar

KEY_CODES = frozenset({401, 602, 10072, 700001, 700002, 700006, 700007})
"""The exchange does not take this key, its signature or this machine's address (protocol 6.1)."""
SETTLE_MS = 3_000
"""How long a request may wait inside the exchange after its window closed (reliability 1.3)."""
TIME_CODES = frozenset({700003, 10073})
"""The exchange does not take a request's time."""


class Purpose(Enum):
    """Why a request is made. It decides what a limit, a ban or an open breaker may hold back."""

    ORDINARY = "ordinary"
    ENTRY = "entry"
    EXIT = "exit"  # resting exits, cancels and queries about them
    STOP = "stop"  # sales that reduce a position now, and the cancels and questions they need

    @property
    def reduces_risk(self) -> bool:
        """Whether reserves are for it, and breakers and most bans let it pass (architecture 2.4)."""
        return self in (Purpose.EXIT, Purpose.STOP)


class Advice(StrEnum):
    """What to do about an answer."""

    RETRY_NOW = "retry now"
    REPRICE = "re-price"  # with the refusal's number, or from the book if there is none
    RAISE_SIZE = "raise the size"  # to the refusal's number, if there is one
    REDUCE_SIZE = "reduce the size"
    CHANGE_TYPE = "change the order type"
    QUERY = "ask for the order by its client id"
    RESYNC_CLOCK = "measure the clock again"
    REFRESH_BALANCES = "refresh the balances"
    REFRESH_SYMBOLS = "refresh the symbols"
    RENEW_LISTEN_KEY = "get another listen key"
    WAIT = "wait"
    STOP_BUYING = "stop buying this pair"
    STOP_PAIR = "stop trading this pair"
    STOP = "stop"
    MEND = "mend the request or the key's settings"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that says no, in plain words."""

    http_status: int
    code: int | None
    """None: the body named no number."""
    message: str
    """The exchange's own text, cleaned."""
    words: str
    advice: Advice
    listing_advice: Advice
    """What to do instead while a listing is opening: some codes then only mean "too early"."""
    definite: bool
    """Whether an order that got this answer certainly does not exist."""
    number: Decimal | None = None
    """The price or value named in the message, where the code has one."""
    retry_after_ms: int | None = None
    """What the answer's Retry-After says; None: nothing."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte left this machine; whatever was reserved is free again."""

    reason: str

    @property
    def words(self) -> str:
        """Return the reason, with what it is the reason of."""
        return self.reason if self.reason.lower().startswith("not sent") else f"not sent: {self.reason}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The exchange certainly did not do it."""

    refusal: Refusal


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Accepted(Generic[T]):
    """The exchange did it and said so."""

    response: T
    timestamp_ms: int = 0
    """The exchange time that the request was signed with."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows yet. Ask by client order id; never send it again."""

    reason: str
    timestamp_ms: int
    """The exchange time that the request was signed with."""
    recv_window_ms: int
    refusal: Refusal | None = None
    """The answer, if there was one that decides nothing."""

    @property
    def fence_ms(self) -> int:
        """Exchange time after which the request can no longer come to life (reliability 1.3)."""
        return self.timestamp_ms + self.recv_window_ms + SETTLE_MS


SendOutcome: TypeAlias = NotSent | Rejected | Accepted[T] | Ambiguous
"""The four things that can become of a send (reliability 1.4)."""
