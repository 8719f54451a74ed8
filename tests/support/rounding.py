"""Compare numbers up to rounding."""

import pytest


def near(expected: object, *, rel: float | None = None, abs: float | None = None) -> object:  # noqa: A002
    """Return a value that equals numbers or sequences within the tolerance; `rel` defaults to 1e-6."""
    return pytest.approx(expected, rel=rel, abs=abs)  # pyright: ignore[reportUnknownMemberType]
