"""The result of a command that changed something."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[Result]):
    """What a command did, in words and numbers. `is_all` False: some of it could not be done."""

    words: str
    result: Result
    is_all: bool = True
