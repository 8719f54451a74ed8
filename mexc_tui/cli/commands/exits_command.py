"""Command `exits`: change the exits of an open position after a confirmation."""

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click
import msgspec

from mexc_tui.cli.command_runner import command_runner, output_flags
from mexc_tui.cli.confirmation import confirm, yes_flag
from mexc_tui.cli.symbol_names import open_position, pair_name

if TYPE_CHECKING:
    from mexc_tui.desk.trading_requests import ExitsEdit, RungEdit
    from mexc_tui.model.trading_view import PositionRow

LADDER_S = 60.0
"""Seconds to wait until the exchange confirms cancels and new take-profits."""
OFF = ("off", "none", "0")


@click.command()
@click.argument("symbol")
@click.option("--stop", metavar="PRICE", help="Set the stop-loss price.")
@click.option(
    "--trail", metavar="PCT[@GAIN]", help="Trail PCT % below the high once the gain is GAIN %, or `off`."
)
@click.option(
    "--tp", metavar="SHARE@GAIN,...", help="Set the remaining take-profits, such as 50@20,50@40, or `none`."
)
@click.option(
    "--break-even",
    metavar="RUNG",
    type=click.IntRange(0, 6),
    help="Move the stop to break-even after this rung (0: never).",
)
@click.option(
    "--time",
    "time_s",
    metavar="SECONDS",
    type=click.IntRange(0),
    help="Close the position this long after its opening (0: never).",
)
@yes_flag
@output_flags
def exits(
    symbol: str,
    stop: str | None,
    trail: str | None,
    tp: str | None,
    break_even: int | None,
    time_s: int | None,
    yes: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Change the exits of an open position. Exits that are not named stay unchanged."""
    from mexc_tui.desk.trading_requests import EDIT_EXITS, ExitsEdit

    trailing, distance, after = _trail(trail)
    edit = ExitsEdit(
        symbol=pair_name(symbol),
        stop_price=None if stop is None else _number("--stop", stop),
        trailing=trailing,
        trailing_distance_pct=distance,
        trailing_after_pct=after,
        ladder=None if tp is None else _ladder(tp),
        break_even_rung=break_even,
        time_stop_s=time_s,
    )
    if edit == ExitsEdit(symbol=edit.symbol):
        raise click.UsageError("Give at least one of --stop, --trail, --tp, --break-even or --time.")
    with command_runner(profile, as_json) as runner:
        if not yes:
            held = open_position(runner, edit.symbol)
            edit = msgspec.structs.replace(edit, symbol=held.symbol)
            confirm(runner, exits_plan(held, edit))
        runner.send(EDIT_EXITS, edit, deadline_s=LADDER_S)


def exits_plan(row: "PositionRow", edit: "ExitsEdit") -> str:
    """Return the preview of the change."""
    from mexc_tui.wording.money import price

    parts = list[str]()
    if edit.stop_price is not None:
        parts.append(f"stop {price(row.stop_price)} -> {price(edit.stop_price)} (bid {price(row.bid)})")
    if edit.trailing is not None:
        distance = f" {edit.trailing_distance_pct:f} % below the high" if edit.trailing_distance_pct else ""
        parts.append(f"trailing{distance}" if edit.trailing else "no trailing stop")
    if edit.ladder is not None:
        rungs = ", ".join(f"{rung.share_pct:f} % at +{rung.gain_pct:f} %" for rung in edit.ladder)
        waiting = sum(rung.where == "exchange" for rung in row.rungs)
        parts.append(f"take-profits {rungs or 'none'}, replacing {waiting} resting")
    if edit.break_even_rung is not None:
        parts.append(
            f"break-even after rung {edit.break_even_rung}" if edit.break_even_rung else "no break-even"
        )
    if edit.time_stop_s is not None:
        parts.append(f"time stop {edit.time_stop_s} s after opening" if edit.time_stop_s else "no time stop")
    return f"EXITS of {row.symbol}, {price(row.quantity)} {row.base_asset}: {'; '.join(parts)}."


def _trail(text: str | None) -> tuple[bool | None, Decimal | None, Decimal | None]:
    """Return trailing on or off, its distance and its first gain; None: unchanged."""
    if text is None:
        return None, None, None
    if text.strip().lower() in OFF:
        return False, None, None
    distance, _, after = text.partition("@")
    return True, _number("--trail", distance), _number("--trail", after) if after else None


def _ladder(text: str) -> "tuple[RungEdit, ...]":
    from mexc_tui.desk.trading_requests import RungEdit

    if not text.strip() or text.strip().lower() in OFF:
        return ()
    rungs = list[RungEdit]()
    for part in text.split(","):
        share, at, gain = part.partition("@")
        if not at:
            raise click.UsageError(
                f"--tp: {part.strip()[:20]!r} is not a rung. Use SHARE@GAIN, such as 30@10."
            )
        rungs.append(RungEdit(share_pct=_number("--tp", share), gain_pct=_number("--tp", gain)))
    return tuple(rungs)


def _number(option: str, text: str) -> Decimal:
    try:
        number = Decimal(text.replace("%", "").strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and number > 0):
        raise click.UsageError(f"{option}: {text.strip()[:20]!r} is not a number above 0.")
    return number
