"""Compare numbers up to rounding."""

import pytest


def near(expected: object, *, rel: float | None = None, abs: float | None = None) -> object:  # noqa: A002
    """Return something equal to numbers, or sequences of them, this close; rel is 1e-6 unless told."""
    return pytest.approx(expected, rel=rel, abs=abs)  # pyright: ignore[reportUnknownMemberType]
