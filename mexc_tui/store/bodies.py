"""Values as JSON in a column. A field added later needs a default: then old rows stay readable."""

from typing import Generic, TypeVar

import msgspec

from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.rows import Value

T = TypeVar("T")

_encoder = msgspec.json.Encoder(decimal_format="string")


class Body(Generic[T]):
    """Writes and reads one type of value; `what` names it in errors."""

    def __init__(self, kind: type[T], what: str) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._what = what

    def write(self, value: T) -> bytes:
        """Return the value as JSON. Money becomes text."""
        return _encoder.encode(value)

    def read(self, stored: Value) -> T:
        """Return the value. Raises StorageDamaged when it is not one."""
        try:
            assert isinstance(stored, bytes)
            return self._decoder.decode(stored)
        except msgspec.DecodeError as error:
            raise StorageDamaged(f"A stored {self._what} cannot be read: {error}") from None
