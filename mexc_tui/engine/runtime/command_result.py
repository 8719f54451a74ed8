"""Result of a command that changes state."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[Result]):
    """Message and figures of a completed command. `is_all` False: part of it failed."""

    text: str
    result: Result
    is_all: bool = True
