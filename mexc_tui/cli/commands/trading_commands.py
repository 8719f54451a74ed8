"""Trading commands: queries, previews and actions.

Commands that only stop entries (`halt`, `reduce-only`, `disarm`) run without a confirmation. Commands that
buy, sell or allow entries again print a preview and ask first.
"""

import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from mexc_tui.cli.command_runner import NOT_DONE, CommandRunner, command_runner, fail, output_flags
from mexc_tui.cli.confirmation import confirm, typed_word, yes_flag
from mexc_tui.cli.symbol_names import open_position, pair_name

EXCHANGE_S = 200.0
"""Seconds to wait for a command whose cancels and sales must be confirmed by the exchange."""

last_option = click.option(
    "--last",
    type=click.IntRange(1, 1_000),
    help="Show this many of the newest rows, closed ones included.",
)


@click.command()
@last_option
@output_flags
def positions(last: int | None, profile: str | None, as_json: bool) -> None:
    """Show open positions: value, P&L, stop and protection."""
    from mexc_tui.cli.pages.trading_pages import positions_page

    with command_runner(profile, as_json) as runner:
        runner.show_all(runner.trading.positions(last), positions_page)


@click.command()
@last_option
@output_flags
def orders(last: int | None, profile: str | None, as_json: bool) -> None:
    """Show open orders of the account. Unknown orders are included; the desk never touches them."""
    from mexc_tui.cli.pages.trading_pages import orders_page

    with command_runner(profile, as_json) as runner:
        runner.show_all(runner.trading.orders(last), orders_page)


@click.command()
@last_option
@output_flags
def snipes(last: int | None, profile: str | None, as_json: bool) -> None:
    """Show active snipes: opening time, maximum spend and price."""
    from mexc_tui.cli.pages.trading_pages import snipes_page

    with command_runner(profile, as_json) as runner:
        now_ms = runner.now_ms()
        runner.show_all(runner.trading.snipes(last), lambda rows, pen: snipes_page(rows, now_ms, pen))


@click.command()
@output_flags
def risk(profile: str | None, as_json: bool) -> None:
    """Show equity, exposure and the room left of each limit."""
    from mexc_tui.cli.pages.trading_pages import risk_page

    with command_runner(profile, as_json) as runner:
        runner.show(runner.trading.risk(), risk_page)


@click.command()
@output_flags
def performance(profile: str | None, as_json: bool) -> None:
    """Show equity, metrics with samples, and the last days."""
    from mexc_tui.cli.pages.performance_page import performance_page

    with command_runner(profile, as_json) as runner:
        runner.show(runner.trading.performance(), performance_page)


@click.command()
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="Reconcile without an engine: a file with the output of `mexc-tui exchange`.",
)
@output_flags
def reconcile(exchange_file: Path | None, profile: str | None, as_json: bool) -> None:
    """Reconcile the ledger with the exchange.

    Without an engine, show the last reconciliation, or make a new one with --exchange. No order is placed
    or cancelled.
    Exit code: 0 no unexplained difference, 1 unexplained differences, 3 not reconciled.
    """
    from mexc_tui.cli.pages.json_output import reconciliation
    from mexc_tui.cli.pages.trading_pages import reconciliation_page

    with command_runner(profile, as_json) as runner:
        row = runner.trading.reconciliation(exchange_file)
        runner.show(row, reconciliation_page, reconciliation)
        if row.problem and runner.as_json:
            fail(row.problem, NOT_DONE)
        if row.problem or row.unexplained:
            sys.exit(NOT_DONE)


@click.command("what-if")
@click.argument("symbol")
@output_flags
def what_if(symbol: str, profile: str | None, as_json: bool) -> None:
    """Run the pre-trade checks for a pair without arming it. Exit code: 0 approved, 1 refused."""
    from mexc_tui.cli.pages.trading_pages import what_if_page
    from mexc_tui.desk.trading_requests import WHAT_IF, ArmRequest

    with command_runner(profile, as_json) as runner:
        row = runner.engine.query(WHAT_IF, ArmRequest(symbol=pair_name(symbol)))
        runner.show(row, what_if_page)
        if not row.approved:
            sys.exit(NOT_DONE)


@click.command()
@click.argument("symbol")
@click.option("--spend", metavar="USDT", help="Spend at most this, in place of the size in the settings.")
@click.option("--max-price", metavar="PRICE", help="Buy at most at this price, with or without a reference.")
@click.option("--stop", metavar="PCT", help="Set the stop-loss this far below the entry, in %.")
@yes_flag
@output_flags
def arm(
    symbol: str,
    spend: str | None,
    max_price: str | None,
    stop: str | None,
    yes: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Arm a buy of this listing at its opening. All pre-trade checks must pass."""
    from mexc_tui.cli.pages.preview_text import arm_plan
    from mexc_tui.desk.trading_requests import ARM, WHAT_IF, ArmRequest

    terms = (_number("--spend", spend), _number("--max-price", max_price), _number("--stop", stop))
    with command_runner(profile, as_json) as runner:
        args = ArmRequest(
            symbol=pair_name(symbol), spend=terms[0], max_price=terms[1], stop_loss_pct=terms[2]
        )
        if not yes:
            expected = runner.engine.query(WHAT_IF, args)
            if not expected.approved:
                fail(f"{expected.symbol} would be refused: {expected.text}", NOT_DONE)
            confirm(runner, arm_plan(expected))
        runner.send(ARM, args)


@click.command()
@click.argument("symbol")
@output_flags
def disarm(symbol: str, profile: str | None, as_json: bool) -> None:
    """Disarm a snipe that has not fired."""
    from mexc_tui.desk.trading_requests import DISARM, SymbolArguments

    with command_runner(profile, as_json, is_emergency=True) as runner:
        runner.send(DISARM, SymbolArguments(symbol=pair_name(symbol)))


@click.command()
@click.argument("symbol")
@click.option("--share", metavar="PCT", help="Sell only this share, in %.")
@yes_flag
@output_flags
def close(symbol: str, share: str | None, yes: bool, profile: str | None, as_json: bool) -> None:
    """Sell a position or a part of it now."""
    from mexc_tui.cli.pages.preview_text import close_plan
    from mexc_tui.desk.trading_requests import CLOSE, CloseRequest

    share_pct = _percent(share)
    with command_runner(profile, as_json, is_emergency=True) as runner:
        name = pair_name(symbol)
        if not yes:
            held = open_position(runner, name)
            name = held.symbol
            confirm(runner, close_plan(held, share_pct))
        runner.send(CLOSE, CloseRequest(symbol=name, share_pct=share_pct), deadline_s=EXCHANGE_S)


@click.command()
@click.argument("reason", nargs=-1)
@output_flags
def halt(reason: tuple[str, ...], profile: str | None, as_json: bool) -> None:
    """Halt entries until you resume. Cancels entry orders and disarms snipes; exits continue."""
    from mexc_tui.desk.trading_requests import HALT, HaltRequest

    with command_runner(profile, as_json, is_emergency=True) as runner:
        runner.send(HALT, HaltRequest(words=_reason_text(reason)), deadline_s=EXCHANGE_S)


@click.command("reduce-only")
@click.argument("reason", nargs=-1)
@output_flags
def reduce_only(reason: tuple[str, ...], profile: str | None, as_json: bool) -> None:
    """Refuse entries until you resume. Armed snipes wait, exits continue."""
    from mexc_tui.desk.trading_requests import REDUCE_ONLY, HaltRequest

    with command_runner(profile, as_json, is_emergency=True) as runner:
        runner.send(REDUCE_ONLY, HaltRequest(words=_reason_text(reason)))


@click.command()
@yes_flag
@output_flags
def resume(yes: bool, profile: str | None, as_json: bool) -> None:
    """Resume entries. After a loss or a breach it asks for a typed word; --yes is not enough."""
    from mexc_tui.cli.pages.preview_text import resume_plan
    from mexc_tui.desk.trading_requests import RESUME, ResumeRequest
    from mexc_tui.model.trading import Trading
    from mexc_tui.risk.state import RESUME_WORD, needs_word

    with command_runner(profile, as_json) as runner:
        row, typed = runner.trading.risk(), ""
        if needs_word(Trading(state=row.state, cause=row.cause)):
            typed = typed_word(runner, resume_plan(row), RESUME_WORD)
        elif not yes:
            confirm(runner, resume_plan(row))
        runner.send(RESUME, ResumeRequest(typed=typed))


@click.command("restore-limits")
@yes_flag
@output_flags
def restore_limits(yes: bool, profile: str | None, as_json: bool) -> None:
    """Restore the entry limits that a warning lowered."""
    from mexc_tui.desk.engine_requests import NoArguments
    from mexc_tui.desk.trading_requests import RESTORE_LIMITS
    from mexc_tui.wording.previews import tightening_text

    with command_runner(profile, as_json) as runner:
        if not yes and (text := tightening_text(runner.trading.risk().tightening)):
            confirm(runner, f"Entry limits are {text}. Restore the configured limits.")
        runner.send(RESTORE_LIMITS, NoArguments())


@click.command()
@yes_flag
@output_flags
def flatten(yes: bool, profile: str | None, as_json: bool) -> None:
    """Halt, then sell all positions of the desk. Each sale has a slippage cap."""
    from mexc_tui.desk.engine_requests import NoArguments
    from mexc_tui.desk.trading_requests import FLATTEN

    with command_runner(profile, as_json, is_emergency=True) as runner:
        _confirm_emergency(runner, "FLATTEN", yes=yes)
        runner.send(FLATTEN, NoArguments(), deadline_s=EXCHANGE_S)


@click.command()
@click.option(
    "--direct",
    is_flag=True,
    help="Act without the engine: write the halt file and cancel all orders of the desk.",
)
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="With --direct: a file with the output of `mexc-tui exchange`.",
)
@yes_flag
@output_flags
def kill(direct: bool, exchange_file: Path | None, yes: bool, profile: str | None, as_json: bool) -> None:
    """Emergency: halt, cancel all orders, sell all positions.

    Only orders and positions of the desk are affected.
    With --direct it works without a responding engine, and sells no positions.
    """
    from mexc_tui.desk.trading_requests import KILL, EmergencyStopRequest

    if direct:
        from mexc_tui.cli.commands.kill_command import kill_directly

        kill_directly(exchange_file, profile, yes=yes, as_json=as_json)
        return
    with command_runner(profile, as_json, is_emergency=True) as runner:
        _confirm_emergency(runner, "EMERGENCY STOP", yes=yes)
        runner.send(KILL, EmergencyStopRequest(), deadline_s=EXCHANGE_S)


def _confirm_emergency(runner: CommandRunner, name: str, *, yes: bool) -> None:
    from mexc_tui.cli.pages.preview_text import stop_plan

    if not yes:
        confirm(runner, stop_plan(name, runner.trading.exposure()))


def _percent(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        share = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        share = Decimal(0)
    if not (share.is_finite() and 0 < share <= 100):
        raise click.UsageError(
            f"--share: {text[:20]!r} is not a share. Use a number above 0 and at most 100, such as 50."
        )
    return share


def _number(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal(0)
    if not (number.is_finite() and number > 0):
        raise click.UsageError(f"{option}: {text[:20]!r} is not a number above 0.")
    return number


def _reason_text(words: tuple[str, ...]) -> str:
    return " ".join(words)[:200]


COMMANDS: tuple[click.Command, ...] = (
    positions,
    orders,
    snipes,
    risk,
    what_if,
    arm,
    disarm,
    close,
    halt,
    reduce_only,
    resume,
    restore_limits,
    flatten,
    kill,
    performance,
    reconcile,
)
