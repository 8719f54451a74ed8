"""Exit codes of the commands, and the error that ends one."""

from mexc_tui.model.errors import DeskError

NOT_DONE, WRONG_USAGE, NO_ENGINE = 1, 2, 3
"""Exit codes: refused or not done; wrong argument; no engine responds."""


class CommandFailed(DeskError):
    """A command could not be done.

    Raised by the sources of CLI commands. Print the one line of text and exit with `code`.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
