"""Endpoint definitions: method, path, weight, required rights and handler."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mexc_tui.practice.rest.auth import AccessRules
from mexc_tui.practice.rest.limits import Bucket
from mexc_tui.practice.rest.params import Params

if TYPE_CHECKING:
    import msgspec

Json: TypeAlias = "str | int | float | bool | msgspec.Raw | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Call:
    """An admitted request. `stale_ms` is the age of the snapshot that a fault requests."""

    params: Params
    now_ms: int
    """Time of the exchange's clock."""
    stale_ms: int = 0


@dataclass(frozen=True, slots=True)
class PracticeRoute:
    """One endpoint (protocol 3.2, 4). `demand` is None for a public one."""

    method: str
    path: str
    handler: Callable[[Call], Json]
    weight: int = 1
    access: AccessRules | None = None
    buckets: tuple[Bucket, ...] = ()


def wrapped(data: Json, now_ms: int, code: int = 0) -> dict[str, Json]:
    """Wrap a response in the envelope of the newer endpoints (protocol 2.1)."""
    return {"data": data, "code": code, "msg": "success", "timestamp": now_ms}
