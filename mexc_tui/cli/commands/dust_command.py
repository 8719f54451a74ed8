"""Command `convert-dust`: convert dust to MX after a confirmation."""

import click

from mexc_tui.cli.command_runner import NOT_DONE, command_runner, fail, output_flags
from mexc_tui.cli.confirmation import confirm, yes_flag

EXCHANGE_S = 60.0
"""Seconds to wait for the query, the conversion and the reconciliation after it."""


@click.command("convert-dust")
@yes_flag
@output_flags
def convert_dust(yes: bool, profile: str | None, as_json: bool) -> None:
    """Convert dust of closed positions to MX. Your own coins are never converted."""
    from mexc_tui.cli.pages.preview_text import dust_plan
    from mexc_tui.desk.engine_requests import NoArguments
    from mexc_tui.desk.trading_requests import CONVERT_DUST, DUST, ConvertDustRequest

    with command_runner(profile, as_json) as runner:
        row = runner.engine.query(DUST, NoArguments())
        if not row.coins:
            why = "; ".join(row.left) or "the account holds no dust of closed positions"
            fail(f"Nothing to convert: {why}.", NOT_DONE)
        if not yes:
            confirm(runner, dust_plan(row))
        request = ConvertDustRequest(assets=tuple(coin.asset for coin in row.coins))
        runner.send(CONVERT_DUST, request, deadline_s=EXCHANGE_S)
