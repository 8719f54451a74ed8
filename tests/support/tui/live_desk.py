"""A frozen desk in live mode, and the phrase that unlocks it."""

import msgspec

from mexc_tui.model.plan_view import Preview
from tests.support.tui.controller_bench import done, previewed
from tests.support.tui.frozen_desk import NOW_MS, FrozenDesk, risk, status

PHRASE = "live 3 x 100 amber otter"
OFFER = msgspec.structs.replace(
    previewed("GO LIVE for 12 hours: up to 3 positions of 100.00 USDT each.", typed=PHRASE),
    name=Preview.UNLOCK,
)


def live_desk(*, is_locked: bool) -> FrozenDesk:
    frozen = FrozenDesk()
    frozen.status.put("engine", status("live"))
    until_ms = None if is_locked else NOW_MS + 3_600_000
    row = msgspec.structs.replace(risk(), is_locked=is_locked, unlocked_until_ms=until_ms)
    frozen.risk.put("risk", row)
    frozen.replies["preview"] = OFFER
    frozen.replies["unlock"] = done("Live trading is unlocked for 12 hours.")
    frozen.replies["lock"] = done("Live trading is locked.")
    return frozen
