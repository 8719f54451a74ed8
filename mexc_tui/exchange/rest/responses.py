"""Decodes response bodies to typed values, or to errors that name the field."""

import re
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

import msgspec

from mexc_tui.exchange.rest.error_codes import ErrorBody, explain, is_success, number_of, read_error
from mexc_tui.model.errors import BadResponse, RequestRefused
from mexc_tui.model.outcome import Refusal

T = TypeVar("T")

Reader: TypeAlias = Callable[[bytes], T]
"""Decodes a body. Raises one of `UNREADABLE` if it does not match the schema."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Wrapped(msgspec.Struct, Generic[T], frozen=True):
    """Response envelope of newer endpoints (protocol 2.1)."""

    data: T
    code: int | str | None = None


def plain(kind: type[T]) -> Reader[T]:
    """Return a reader for an unwrapped value."""
    return msgspec.json.Decoder(kind).decode


def wrapped(kind: type[T]) -> Reader[T]:
    """Return a reader for `{"data": ..., "code": 0 or 200}`."""
    decoder = msgspec.json.Decoder(_Wrapped[kind])

    def read(body: bytes) -> T:
        response = decoder.decode(body)
        if response.code is not None and not is_success(response.code):
            raise msgspec.ValidationError("Expected success - at `$.code`")
        return response.data

    return read


def nothing(body: bytes) -> None:
    """Check that a response reports success; usually `{}`."""
    error = msgspec.json.decode(body, type=ErrorBody)
    if error.code is not None and not is_success(error.code):
        raise msgspec.ValidationError("Expected success - at `$.code`")


def read_or_raise(method: str, path: str, status: int, *, body: bytes, read: Reader[T]) -> T:
    """Return the decoded response.

    Raises RequestRefused for an error response, BadResponse for one that matches no schema.
    """
    if not 200 <= status < 300:
        raise RequestRefused(method, path, explain(status, read_error(body)))
    try:
        return read(body)
    except UNREADABLE as error:
        refusal = odd_refusal(status, body)
        if refusal is not None:
            raise RequestRefused(method, path, refusal) from None
        raise BadResponse(method, path, problem_of(error)) from None


def odd_refusal(status: int, body: bytes) -> Refusal | None:
    """Return the refusal in a response with a success status; None if there is none."""
    error = read_error(body)
    code = number_of(error.code)
    return None if code is None or is_success(code) else explain(status, error)


_LOCATION = re.compile(r" - at `(\$[A-Za-z0-9_.\[\]]*)`\Z")
_SAFE = re.compile(r"(?:Expected|Object missing required field|Array|`)[A-Za-z0-9 `|,<>=\[\]._-]*")


def problem_of(error: Exception) -> str:
    """Return why a body is unreadable. Names types and fields, never contents."""
    text = str(error)
    location = _LOCATION.search(text)
    if not isinstance(error, msgspec.ValidationError):
        return "the response is not JSON"
    what = text[: location.start()] if location else text
    if not _SAFE.fullmatch(what):
        what = "Unknown or malformed value"
    return f"{what} at {location.group(1) if location else '$'}"
