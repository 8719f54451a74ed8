"""Bans and Retry-After: how long they last, and which requests may still be sent."""

from dataclasses import dataclass
from enum import Enum
from math import isfinite

from mexc_tui.model.outcome import Purpose

NS_PER_S = 1_000_000_000


class BanKind(Enum):
    """Reason of a ban, mildest first."""

    RETRY_AFTER = "asked to wait (Retry-After)"
    FIREWALL = "firewall block (403)"
    TOO_MANY = "too many requests (429)"
    BANNED = "address banned (418)"


@dataclass(frozen=True, slots=True)
class BanLimits:
    """Ban durations without Retry-After, and the pace of exits and stops during a ban (protocol 2.2)."""

    too_many_s: float = 600.0
    firewall_s: float = 90.0
    banned_s: float = 120.0
    """Duration of the first 418; doubled for each further one."""
    longest_s: float = 3 * 86_400.0
    exit_every_s: float = 1.0
    stop_every_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Ban:
    """An active ban. `until_ms` is local wall-clock time."""

    kind: BanKind
    left_s: float
    until_ms: int


class Bans:
    """Tracks active bans and their ends."""

    def __init__(self, limits: BanLimits) -> None:
        self._limits = limits
        self._until_ns: dict[BanKind, int] = {}
        self._bans_in_a_row = 0
        self.never_banned = True
        """Whether no ban was ever recorded. Checked without reading the clock."""

    def apply_response(self, status: int, retry_after_s: float | None, now_ns: int) -> bool:
        """Start or extend a ban if this response requires one; return whether it did."""
        if retry_after_s is not None and not isfinite(retry_after_s):
            retry_after_s = None
        kind = _kind_of(status, retry_after_s)
        if kind is None:
            return False
        length_s = self._length_s(kind, retry_after_s, now_ns)
        until_ns = now_ns + round(min(max(length_s, 1.0), self._limits.longest_s) * NS_PER_S)
        self._until_ns[kind] = max(until_ns, self._until_ns.get(kind, 0))
        self.never_banned = False
        return True

    def _length_s(self, kind: BanKind, retry_after_s: float | None, now_ns: int) -> float:
        if kind is BanKind.BANNED:
            return self._banned_length_s(retry_after_s, now_ns)
        if retry_after_s is not None:
            return retry_after_s
        return self._limits.firewall_s if kind is BanKind.FIREWALL else self._limits.too_many_s

    def _banned_length_s(self, retry_after_s: float | None, now_ns: int) -> float:
        until_ns = self._until_ns.get(BanKind.BANNED)
        if until_ns is not None and now_ns < until_ns:
            # The same ban, reported for another request: only Retry-After can extend it.
            return retry_after_s if retry_after_s is not None else 1.0
        forgiven = until_ns is not None and now_ns - until_ns > self._limits.longest_s * NS_PER_S
        self._bans_in_a_row = 1 if forgiven else self._bans_in_a_row + 1
        if retry_after_s is not None:
            return retry_after_s
        return self._limits.banned_s * 2 ** min(self._bans_in_a_row - 1, 20)

    def restore(self, kind: BanKind, until_ns: int) -> None:
        """Restore a ban that was stored before the restart."""
        self._until_ns[kind] = max(until_ns, self._until_ns.get(kind, 0))
        self._bans_in_a_row = 1 if kind is BanKind.BANNED else self._bans_in_a_row
        self.never_banned = False

    def current(self, now_ns: int) -> tuple[BanKind, int] | None:
        """Return the strictest active ban and its end (monotonic ns); None without one."""
        if not self._until_ns:
            return None
        in_force = [kind for kind, until_ns in self._until_ns.items() if now_ns < until_ns]
        if not in_force:
            return None
        # 418 is the strictest; of the other kinds the longest counts.
        strictest = max(in_force, key=lambda kind: (kind is BanKind.BANNED, self._until_ns[kind]))
        return strictest, self._until_ns[strictest]


def _kind_of(status: int, retry_after_s: float | None) -> BanKind | None:
    known = {403: BanKind.FIREWALL, 429: BanKind.TOO_MANY, 418: BanKind.BANNED}.get(status)
    if known is None and status >= 400 and retry_after_s is not None:
        return BanKind.RETRY_AFTER
    return known


def least_urgent_allowed(kind: BanKind) -> Purpose:
    """Return the least urgent purpose that may be sent during a ban of this kind."""
    return Purpose.STOP if kind is BanKind.BANNED else Purpose.EXIT


def may_send(purpose: Purpose, kind: BanKind) -> bool:
    """Whether a request with this purpose may be sent during a ban of this kind."""
    return purpose is Purpose.STOP or (purpose is Purpose.EXIT and kind is not BanKind.BANNED)
