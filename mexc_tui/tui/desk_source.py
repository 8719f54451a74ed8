"""Data source of the screens from a desk client."""

import asyncio
from collections.abc import Callable

from mexc_tui.desk.api_types import Role
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.trading_requests import ORDERS, POSITIONS, RISK, SNIPES
from mexc_tui.desk.view_kinds import LISTINGS, SIGNALS, STATUS
from mexc_tui.tui.query_cache import QueryCache
from mexc_tui.tui.source import DeskSource


def source_of(
    client: DeskClient, role: Role, local_ms: Callable[[], int], *, wire_per_s: Callable[[], float | None]
) -> DeskSource:
    """Build the source of a client that is not running yet. `local_ms` is the local clock."""
    status = client.mirror(STATUS)

    def now_ms() -> int:
        """Return exchange time: local clock plus the offset measured by the engine."""
        row = next(iter(status.rows.values()), None)
        offset_ms = None if row is None else row.clock.offset_ms
        return local_ms() + round(offset_ms or 0)

    def silence_ms() -> float | None:
        last_message_s = client.state.last_message_s
        return (
            None if last_message_s is None else (asyncio.get_running_loop().time() - last_message_s) * 1_000
        )

    return DeskSource(
        status=status,
        listings=client.mirror(LISTINGS),
        signals=client.mirror(SIGNALS),
        snipes=client.mirror(SNIPES),
        orders=client.mirror(ORDERS),
        positions=client.mirror(POSITIONS),
        risk=client.mirror(RISK),
        queries=QueryCache(client.send, now_ms),
        send=client.send,
        follow_events=client.follow_new_events,
        wire_per_s=wire_per_s,
        may_operate=role is not Role.VIEW,
        link=lambda: client.state,
        now_ms=now_ms,
        silence_ms=silence_ms,
    )
