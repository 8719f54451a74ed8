"""Rate limits: windows over weights and requests, 429, then 418; optionally the firewall (protocol 3.1)."""

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum

from mexc_tui.practice.scenario import Knobs

WEIGHT_WINDOW_MS = 10_000
SECOND_MS = 1_000


class Bucket(Enum):
    """Limits of requests per second, in addition to weights."""

    ORDERS = "orders"
    BATCH = "batch"
    ACCOUNT = "account"
    ANNOUNCEMENTS = "announcements"


class Block(Enum):
    """Reason for rejecting a request before it is parsed."""

    LIMITED = 429
    BANNED = 418
    FIREWALL = 403


@dataclass(frozen=True, slots=True)
class LimitRejection:
    """Rejection by the limiter; `retry_after_s` is None where MEXC returns no time."""

    block: Block
    retry_after_s: int | None = None


class Window:
    """At most `limit` units within any `length_ms`."""

    def __init__(self, limit: int, length_ms: int) -> None:
        self._limit = limit
        self._length_ms = length_ms
        self._taken: deque[tuple[int, int]] = deque()
        self._sum = 0

    def wait_ms(self, now_ms: int, units: int) -> int:
        """Return the wait until `units` fit, 0: none. An empty window admits more than the limit."""
        self._forget(now_ms)
        if units == 0:
            return 0
        left = self._sum
        wait_ms = 0
        for at_ms, taken in self._taken:
            if left + units <= self._limit:
                break
            left -= taken
            wait_ms = at_ms + self._length_ms - now_ms
        return wait_ms

    def take(self, now_ms: int, units: int) -> None:
        """Record `units` as used."""
        if units:
            self._taken.append((now_ms, units))
            self._sum += units

    def _forget(self, now_ms: int) -> None:
        while self._taken and self._taken[0][0] <= now_ms - self._length_ms:
            self._sum -= self._taken.popleft()[1]


class _AddressLimits:
    """Request history of one address."""

    def __init__(self, knobs: Knobs) -> None:
        self.weight = Window(knobs.ip_weight_per_10s, WEIGHT_WINDOW_MS)
        self.requests = Window(knobs.firewall_per_s or 1, SECOND_MS)
        self.ignored: deque[int] = deque()
        self.banned_until_ms = 0
        self.firewalled_until_ms = 0


class PracticeLimits:
    """All limits of this exchange, from the knobs."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._address_limits: dict[str, _AddressLimits] = {}
        self._key_weight = Window(knobs.key_weight_per_10s, WEIGHT_WINDOW_MS)
        self._buckets = {
            Bucket.ORDERS: Window(knobs.orders_per_s, SECOND_MS),
            Bucket.BATCH: Window(2, SECOND_MS),
            Bucket.ACCOUNT: Window(2, SECOND_MS),
            Bucket.ANNOUNCEMENTS: Window(5, 2 * SECOND_MS),
        }

    def admit(
        self,
        now_ms: int,
        address: str,
        weight: int,
        *,
        buckets: tuple[Bucket, ...] = (),
        by_key: bool = False,
    ) -> LimitRejection | None:
        """Count a request, or return its rejection. A signed one counts for its address and key."""
        limits = self._address_limits.setdefault(address, _AddressLimits(self._knobs))
        blocked = self._blocked(limits, now_ms)
        if blocked is not None:
            return blocked
        windows = [(limits.weight, weight), *((self._buckets[bucket], 1) for bucket in buckets)]
        if by_key:
            windows.append((self._key_weight, weight))
        wait_ms = max(window.wait_ms(now_ms, units) for window, units in windows)
        if wait_ms > 0:
            return self._limited(limits, now_ms, wait_ms)
        for window, units in windows:
            window.take(now_ms, units)
        return None

    def _blocked(self, limits: _AddressLimits, now_ms: int) -> LimitRejection | None:
        if now_ms < limits.banned_until_ms:
            return self._with_time(Block.BANNED, limits.banned_until_ms - now_ms)
        if self._knobs.firewall_per_s is not None:
            if now_ms >= limits.firewalled_until_ms and limits.requests.wait_ms(now_ms, 1):
                limits.firewalled_until_ms = now_ms + int(self._knobs.firewall_s * 1000)
            limits.requests.take(now_ms, 1)
            if now_ms < limits.firewalled_until_ms:
                return LimitRejection(Block.FIREWALL)
        return None

    def _limited(self, limits: _AddressLimits, now_ms: int, wait_ms: int) -> LimitRejection:
        """Return 429; further requests while limited lead to a ban."""
        while limits.ignored and limits.ignored[0] <= now_ms - WEIGHT_WINDOW_MS:
            limits.ignored.popleft()
        limits.ignored.append(now_ms)
        if len(limits.ignored) > self._knobs.ban_after_429:
            limits.ignored.clear()
            limits.banned_until_ms = now_ms + int(self._knobs.ban_s * 1000)
            return self._with_time(Block.BANNED, limits.banned_until_ms - now_ms)
        return self._with_time(Block.LIMITED, wait_ms)

    def _with_time(self, block: Block, wait_ms: int) -> LimitRejection:
        return LimitRejection(block, math.ceil(wait_ms / 1000) if self._knobs.retry_after else None)
