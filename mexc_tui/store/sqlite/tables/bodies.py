"""JSON columns. A field that is added later needs a default, so that old rows stay readable."""

from typing import Generic, TypeVar

import msgspec

from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.sqlite.tables.rows import Value

T = TypeVar("T")

_encoder = msgspec.json.Encoder(decimal_format="string")


class Body(Generic[T]):
    """Encodes and decodes values of one type; `what` names it in errors."""

    def __init__(self, kind: type[T], what: str) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._what = what

    def write(self, value: T) -> bytes:
        """Return the value as JSON. Decimals become text."""
        return _encoder.encode(value)

    def read(self, stored: Value) -> T:
        """Return the decoded value. Raises StorageDamaged if it is invalid."""
        try:
            assert isinstance(stored, bytes)
            return self._decoder.decode(stored)
        except msgspec.DecodeError as error:
            raise StorageDamaged(f"A stored {self._what} cannot be read: {error}") from None
