"""Pure evaluation of measurements of the exchange's endpoints."""

import re
from collections.abc import Sequence

from mexc_tui.doctor.check import Check, fail, ok, warn
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.view import BudgetRow

SLOW_MS = 400.0
"""Round trip above which an opening is lost to closer traders."""
OFFSET_WARNING_MS = 1_000.0
OFFSET_FAILURE_MS = 60_000.0
"""A clock this wrong also makes certificates and log times wrong."""
ERROR_WARNING_MS, ERROR_FAILURE_MS = 250.0, 900.0
"""As `OffsetLimits` of the client: above, requests are not signed."""
FULL_SHARE = 0.8
LONG_WINDOW_S = 10.0
"""Shorter windows are full whenever requests are paced, which is normal."""
RECENT_MS = 30 * 86_400_000
SYNC_CLOCK = "sudo timedatectl set-ntp true"
_API = re.compile(r"\bAPI\b", re.IGNORECASE)


def check_clock(offset_ms: float, error_ms: float) -> Check:
    """Check the clock of this machine. `offset_ms`: exchange minus this machine, plus or minus `error_ms`."""
    text = f"The exchange's clock is {offset_ms:+.0f} ms from this machine's (±{error_ms:.0f} ms)."
    if error_ms > ERROR_FAILURE_MS:
        return fail("clock", f"{text} Too uncertain to sign requests.", "Use a faster connection.")
    if abs(offset_ms) > OFFSET_FAILURE_MS:
        return fail("clock", text, SYNC_CLOCK)
    if abs(offset_ms) > OFFSET_WARNING_MS:
        return warn("clock", f"{text} The desk corrects for it.", SYNC_CLOCK)
    if error_ms > ERROR_WARNING_MS:
        return warn("clock", text, "Use a faster connection, or a server closer to the exchange.")
    return ok("clock", text)


def check_latency(name: str, host: str, took_ms: float) -> Check:
    """Check the round trip to one endpoint."""
    text = f"{host} responds in {took_ms:.0f} ms."
    if took_ms > SLOW_MS:
        return warn(name, text, "Run the desk on a server closer to the exchange.")
    return ok(name, text)


def check_weights(budget: BudgetRow) -> Check:
    """Check the use of the request budget, and bans."""
    if budget.ban:
        return fail(
            "weights", f"The exchange blocks requests: {budget.ban}.", "Wait: no command shortens it."
        )
    lanes = ", ".join(f"{lane.name} {lane.used} of {lane.limit}" for lane in budget.lanes)
    full = [
        lane
        for lane in budget.lanes
        if lane.window_s >= LONG_WINDOW_S and lane.used > FULL_SHARE * lane.limit
    ]
    if full:
        return warn("weights", f"{lanes}.", "Stop other programs that use this address or key.")
    return ok("weights", f"{lanes}.")


def check_announcements(found: Sequence[Announcement], now_ms: int) -> Check:
    """Check the headlines for announced changes of the API."""
    recent = [
        headline
        for headline in found
        if _API.search(headline.title) and now_ms - (headline.post_time or 0) <= RECENT_MS
    ]
    if not recent:
        return ok("announcements", f"No change of the API among the last {len(found)} headlines.")
    return warn(
        "announcements", recent[0].title, f"Read it: {recent[0].url or 'on the site of the exchange'}"
    )
