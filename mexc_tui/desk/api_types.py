"""Types of the desk API: kinds of views and commands, roles, replies and errors."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from mexc_tui.model.errors import DeskError

Row = TypeVar("Row", bound=msgspec.Struct)
Args = TypeVar("Args", bound=msgspec.Struct)
Result = TypeVar("Result")


class Role(StrEnum):
    """Permission of a viewer, lowest first; each includes the lower ones."""

    VIEW = "view"  # read, and reduce risk
    OPERATE = "operate"  # trade: arm, edit exits, convert dust, listings, reconcile, stop
    ADMIN = "admin"  # settings, limits, resume after a halt, unlock

    def includes(self, other: "Role") -> bool:
        """Whether this role permits what `other` does."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = (Role.VIEW, Role.OPERATE, Role.ADMIN)


def lower_role(one: Role, other: Role) -> Role:
    """Return the lower of two roles."""
    return other if one.includes(other) else one


class CommandOutcome(StrEnum):
    """Outcome of a command."""

    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"  # not executed
    FAILED = "failed"  # an error during execution: check the effect before a retry
    UNKNOWN = "unknown"  # started by an engine that stopped before it responded


@dataclass(frozen=True, slots=True)
class ViewKind(Generic[Row]):
    """A named view: rows of one type by key."""

    name: str
    row: type[Row]


@dataclass(frozen=True, slots=True)
class CommandKind(Generic[Args, Result]):
    """A named query or command, with the types of its arguments and result."""

    name: str
    args: type[Args]
    result: type[Result]
    changes_state: bool = True
    """Whether it is a command: executed once per id and audited. Otherwise it is a query."""
    reduces_risk: bool = False
    """Allowed for every viewer, also late and in reserved slots; executed before it is stored."""
    needs_operator: bool = False
    """Refused in read-only mode although it reduces risk: stopping the engine also stops its stop-losses."""
    needs_admin: bool = False
    """Whether it raises or removes a limit on risk."""

    @property
    def role(self) -> Role:
        """Return the role that it requires."""
        if self.needs_admin:
            return Role.ADMIN
        is_open = not self.changes_state or (self.reduces_risk and not self.needs_operator)
        return Role.VIEW if is_open else Role.OPERATE


@dataclass(frozen=True, slots=True)
class Reply(Generic[Result]):
    """Outcome of a command, for its sender."""

    outcome: CommandOutcome
    message: str
    result: Result | None
    is_repeated: bool
    """Whether this is the stored response of an earlier execution."""
    age_ms: int = 0
    """Age of the result when it was sent; responses from the store are cached for seconds."""


class FrontEndError(DeskError):
    """A request of a front end failed.

    Raised by the desk's client and server. Show the text, which names the next step.
    """


class NoEngine(FrontEndError):
    """No engine responds at the socket.

    Raised while connecting. Start an engine, or read the database without one.
    """


class ViewerRefused(FrontEndError):
    """The engine refused this viewer or this query.

    Raised after connecting. Show the text; a retry does not help.
    """


class EngineSilent(FrontEndError):
    """The engine did not respond in time.

    Raised by queries and commands. The outcome of a command is unknown: retry with the same command id.
    """


class SocketInUse(FrontEndError):
    """Another engine serves this socket.

    Raised by the desk's server at the start. Attach to that engine instead.
    """
