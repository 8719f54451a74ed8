"""What can go wrong between the desk and the exchange. No text here holds a key, a signature or a query."""

from mexc_tui.model.outcome import Refusal


class DeskError(Exception):
    """Root of every error of this package:

    `except DeskError` catches no mistake of Python's or a library's.
    """


class CommandRefused(DeskError):
    """A command was refused and nothing was done; the text says why, and the next step."""


class SettingsRefused(DeskError):
    """Settings were refused and none of them is in force; the text names each mistake."""


class ExchangeError(Exception):
    """A call that brought no answer we can use. It names the method and the path, no more of the request."""

    def __init__(self, method: str, path: str, problem: str) -> None:
        super().__init__(f"{method} {path}: {problem}")
        self.method = method
        self.path = path
        self.problem = problem


class NothingSent(ExchangeError):
    """No byte of the request left this machine."""


class NoAnswer(ExchangeError):
    """The request left, and no complete answer came back: what it did is unknown."""


class BadAnswer(ExchangeError):
    """An answer came that is not what the endpoint promises; the problem names the field."""


class RequestRefused(ExchangeError):
    """The exchange said no."""

    def __init__(self, method: str, path: str, refusal: Refusal) -> None:
        code = f"code {refusal.code}" if refusal.code is not None else f"HTTP {refusal.http_status}"
        super().__init__(method, path, f"{refusal.words} ({code}); {refusal.advice.value}.")
        self.refusal = refusal


class WebUnavailable(Exception):
    """The web site's calendar or symbol list could not be had. It is optional: go on without it."""
