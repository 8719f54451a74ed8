"""Pair names on the command line, resolved the same way by all commands."""

from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NOT_DONE, fail
from mexc_tui.model.pair_names import resolve, typed_name
from mexc_tui.model.text import clean_name, is_tradable_name

if TYPE_CHECKING:
    from mexc_tui.cli.command_runner import CommandRunner
    from mexc_tui.model.trading_view import PositionRow


def exchange_name(symbol: str) -> str:
    """Return a name in the exchange's spelling, including pairs that the desk never trades."""
    return typed_name(clean_name(symbol))


def pair_name(symbol: str) -> str:
    """Return the name of a tradable pair or coin. Raises UsageError for any other."""
    name = typed_name(symbol)
    if not is_tradable_name(name):
        raise click.UsageError(
            f"{clean_name(symbol)[:40]!r} is not a pair. Use letters and digits, such as NEWUSDT."
        )
    return name


def open_position(runner: "CommandRunner", name: str) -> "PositionRow":
    """Return the open position of a name; exit if there is none. Raises NoEngine."""
    held = {row.symbol: row for row in runner.trading.exposure().positions}
    symbol = resolve(name, held.__contains__, prefers_usual=False)
    if symbol is None:
        others = f" Open: {', '.join(sorted(held))}." if held else ""
        fail(f"No open position in {name}.{others} See: mexc-tui positions", NOT_DONE)
    return held[symbol]
