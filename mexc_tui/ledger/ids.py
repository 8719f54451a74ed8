"""Client order ids: mark an order as this desk's (reliability O16).

`mxt`, four characters of the desk id, the start time, a counter, `-`, the attempt; numbers in base 36.
At most 32 characters.
"""

import re
from dataclasses import dataclass
from enum import Enum

PREFIX = "mxt"
MAX_LENGTH = 32

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BOOT_LENGTH = 9
_SHAPE = re.compile(
    rf"{PREFIX}([0-9a-z]{{4}})([0-9a-z]{{{_BOOT_LENGTH}}})([0-9a-z]{{1,9}})-([0-9a-z]{{1,4}})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientId:
    """Parsed client order id. `boot_ms` is the engine's start, `attempt` counts from 1."""

    desk_id: str
    boot_ms: int
    counter: int
    attempt: int

    def __str__(self) -> str:
        """Return the id as sent to the exchange."""
        boot = _base36(self.boot_ms).rjust(_BOOT_LENGTH, "0")
        return f"{PREFIX}{self.desk_id}{boot}{_base36(self.counter)}-{_base36(self.attempt)}"


class OrderOrigin(Enum):
    """Origin of an order, by its client order id."""

    OWN = "us"
    UNRECORDED = "another desk with the same prefix"
    FOREIGN = "not placed by a desk"


def make_ids(desk_id: str, boot_ms: int, counter: int, *, attempts: int) -> tuple[str, ...]:
    """Return the client order ids of an intent's attempts, in order. Raises ValueError for invalid parts."""
    made = tuple(
        str(ClientId(desk_id=desk_id, boot_ms=boot_ms, counter=counter, attempt=attempt))
        for attempt in range(1, attempts + 1)
    )
    if any(_SHAPE.fullmatch(client_id) is None or len(client_id) > MAX_LENGTH for client_id in made):
        raise ValueError(f"cannot create client order ids for desk {desk_id!r}, counter {counter}")
    return made


def parse(client_id: str) -> ClientId | None:
    """Parse a client order id of a desk; None for any other."""
    found = _SHAPE.fullmatch(client_id)
    if found is None:
        return None
    return ClientId(
        desk_id=found[1], boot_ms=int(found[2], 36), counter=int(found[3], 36), attempt=int(found[4], 36)
    )


def order_origin(client_id: str, known: frozenset[str]) -> OrderOrigin:
    """Return the origin of an order. `known`: every client order id of this desk's intents."""
    if client_id in known:
        return OrderOrigin.OWN
    return OrderOrigin.UNRECORDED if client_id.startswith(PREFIX) else OrderOrigin.FOREIGN


def unrecorded_order_text(client_id: str, desk_id: str) -> str:
    """Return the text for an order with this prefix that the ledger of desk `desk_id` does not contain."""
    made = parse(client_id)
    if made is not None and made.desk_id == desk_id:
        return (
            f"order {client_id} was created by this desk and is not in its ledger: the database is older "
            "than the exchange's orders (restored from a backup, or emptied)"
        )
    return (
        f"order {client_id} has the prefix of a desk and was not created by this one: another engine trades "
        "on this account, or the key is stolen"
    )


def _base36(number: int) -> str:
    if number < 0:
        raise ValueError("a client order id has no negative numbers")
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if number == 0:
            return digits
