"""What both sides of the desk agree on: views, commands, roles, answers, and what can go wrong."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from mexc_tui.model.errors import DeskError

Row = TypeVar("Row", bound=msgspec.Struct)
Args = TypeVar("Args", bound=msgspec.Struct)
Result = TypeVar("Result")


class Role(StrEnum):
    """What a viewer may do."""

    VIEW = "view"  # look, and stop what is dangerous
    OPERATE = "operate"  # every command


class CommandOutcome(StrEnum):
    """What a command achieved."""

    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"  # nothing was done
    FAILED = "failed"  # it broke on the way: look before it is given again
    UNKNOWN = "unknown"  # it was begun by an engine that ended before it could say


@dataclass(frozen=True, slots=True)
class ViewKind(Generic[Row]):
    """A named table for front ends: rows of one type, each with a key."""

    name: str
    row: type[Row]


@dataclass(frozen=True, slots=True)
class CommandKind(Generic[Args, Result]):
    """A named query or command of front ends."""

    name: str
    args: type[Args]
    result: type[Result]
    changes_state: bool = True
    """Whether it changes anything: then it is done once for each id, and audited. Otherwise it reads."""
    reduces_risk: bool = False
    """Any viewer may give it, late or not, in a reserved slot; it is done before it is written down."""
    needs_operator: bool = False
    """Whether a read-only viewer is refused all the same: ending the engine ends its stops, too."""

    @property
    def role(self) -> Role:
        """Return what the giver must at least be."""
        is_open = not self.changes_state or (self.reduces_risk and not self.needs_operator)
        return Role.VIEW if is_open else Role.OPERATE


@dataclass(frozen=True, slots=True)
class Reply(Generic[Result]):
    """Outcome of a command, for its sender."""

    outcome: CommandOutcome
    words: str
    result: Result | None
    is_repeated: bool
    """Whether the command had been executed before; this is the response of that time."""
    age_ms: int = 0
    """How old the result was when it was sent: answers out of the store are kept for seconds."""


class FrontEndError(DeskError):
    """A request of a front end failed.

    Raised by the desk's client and server. Show the text, which names the next step.
    """


class NoEngine(FrontEndError):
    """No engine answers at the socket.

    Raised while connecting. Start an engine, or read the store without one.
    """


class ViewerRefused(FrontEndError):
    """The engine refused this viewer or this query.

    Raised after connecting. Show the text; trying again does not help.
    """


class EngineSilent(FrontEndError):
    """The engine did not answer in time.

    Raised by queries and commands. What a command did is unknown: give it again with the same command id.
    """


class SocketInUse(FrontEndError):
    """Another engine serves this socket.

    Raised by the desk's server at the start. Attach to that engine instead.
    """
