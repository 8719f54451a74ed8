"""Parameters of a request, and the texts that its signature can cover (protocol 2.1, 2.4)."""

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from urllib.parse import quote, unquote_plus

import msgspec

from mexc_tui.practice.matching.values import PracticeRefusal

SIGNATURE = "signature"


def mandatory(name: str) -> PracticeRefusal:
    """Return the refusal for a missing or malformed parameter."""
    return PracticeRefusal(
        700004, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


class Params:
    """Parameters of a request. The query takes precedence over the body; unknown names are ignored."""

    def __init__(self, query: str, body: str = "") -> None:
        json_values = _json_values(body)
        self._raw = (query, body)
        self._json_text = "" if json_values is None else body
        self._query = _pairs(query)
        self._body = _pairs(body) if json_values is None else []
        self._values = json_values or {}
        for name, value in [*reversed(self._body), *reversed(self._query)]:
            self._values[unquote_plus(name)] = unquote_plus(value)

    def get(self, name: str, default: str = "") -> str:
        """Return a parameter's text, decoded; `default` if it is missing or empty."""
        return self._values.get(name, "") or default

    def need(self, name: str) -> str:
        """Return a required parameter. Raises PracticeRefusal 700004."""
        value = self.get(name)
        if not value:
            raise mandatory(name)
        return value

    def whole(self, name: str) -> int | None:
        """Return a whole number, None if missing. Raises PracticeRefusal 700004 for anything else."""
        text = self.get(name)
        if not text:
            return None
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 18):
            raise mandatory(name)
        return int(text)

    def amount(self, name: str) -> Decimal | None:
        """Return a decimal number, None if missing. Raises PracticeRefusal 700004 for anything else."""
        text = self.get(name)
        if not text:
            return None
        return parse_amount(text, name)

    def signed_texts(self) -> Iterable[tuple[str, str]]:
        """Yield (encoding, text) of each text to be signed: raw, re-encoded, decoded (protocol 2.4)."""
        query, body = self._raw
        raw_body = body if self._json_text else _without_signature(body)
        yield "raw", _without_signature(query) + raw_body
        for how, write in (("encoded", _encoded), ("decoded", unquote_plus)):
            yield how, _join(self._query, write) + (self._json_text or _join(self._body, write))


def parse_amount(text: str, name: str) -> Decimal:
    """Read a decimal number of at most 40 characters. Raises PracticeRefusal 700004 for anything else."""
    try:
        value = Decimal(text) if len(text) <= 40 else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or abs(value.adjusted()) > 30:
        raise mandatory(name)
    return value


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in text.split("&") if part)
    return [(name, value) for name, _, value in parts]


def _without_signature(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith(f"{SIGNATURE}="))


def _encoded(text: str) -> str:
    return quote(unquote_plus(text), safe="")


def _join(pairs: list[tuple[str, str]], write: Callable[[str], str]) -> str:
    return "&".join(f"{write(name)}={write(value)}" for name, value in pairs if name != SIGNATURE)


def _json_values(body: str) -> dict[str, str] | None:
    """Return the members of a JSON object as texts; None if the body is something else."""
    if not body.lstrip().startswith("{"):
        return None
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return None
    return {name: _json_text(bytes(raw)) for name, raw in members.items()}


def _json_text(raw: bytes) -> str:
    if raw == b"null":
        return ""
    return msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw.decode("utf-8", "replace")
