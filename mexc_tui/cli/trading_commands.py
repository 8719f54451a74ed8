"""The commands about money: what is held, what would be done, and what is to be done.

What only stops entries (`halt`, `reduce-only`, `disarm`) asks nothing; what buys, sells or lets buying go on
says first what it will do, and asks.
"""

import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NOT_DONE, CommandRunner, asked, asking, fail
from mexc_tui.cli.confirmation import agree, typed_word, yes_flag
from mexc_tui.cli.symbol_names import held_position, pair_name

if TYPE_CHECKING:
    from mexc_tui.cli.trading_source import StoredTrading

EXCHANGE_S = 200.0
"""A command waits so long that must be seen to have happened at the exchange: cancels, then sales."""

last_option = click.option(
    "--last", type=click.IntRange(1, 1_000), help="The newest so many, ended ones too, as they are stored."
)


@click.command()
@last_option
@asked
def positions(last: int | None, profile: str | None, as_json: bool) -> None:
    """Show open positions: worth, gain, stop, and where their protection lives."""
    from mexc_tui.cli.trading_pages import positions_page

    with asking(profile, as_json) as asker:
        asker.show_all(_books(asker).positions(last), positions_page)


@click.command()
@last_option
@asked
def orders(last: int | None, profile: str | None, as_json: bool) -> None:
    """Show orders that are not at their end; somebody else's on the account too, which are left alone."""
    from mexc_tui.cli.trading_pages import orders_page

    with asking(profile, as_json) as asker:
        asker.show_all(_books(asker).orders(last), orders_page)


@click.command()
@last_option
@asked
def snipes(last: int | None, profile: str | None, as_json: bool) -> None:
    """Show snipes that are not over: what will be bought, when, for how much at most."""
    from mexc_tui.cli.trading_pages import snipes_page

    with asking(profile, as_json) as asker:
        now_ms = asker.now_ms()
        asker.show_all(_books(asker).snipes(last), lambda rows, pen: snipes_page(rows, now_ms, pen))


@click.command()
@asked
def risk(profile: str | None, as_json: bool) -> None:
    """Show what the desk is worth, what it risks, and what is left of each limit."""
    from mexc_tui.cli.trading_pages import risk_page

    with asking(profile, as_json) as asker:
        asker.show(_books(asker).risk(), risk_page)


@click.command()
@asked
def performance(profile: str | None, as_json: bool) -> None:
    """Show how the desk has done: equity, every figure with its sample, the last days."""
    from mexc_tui.cli.performance_page import performance_page

    with asking(profile, as_json) as asker:
        asker.show(_books(asker).performance(), performance_page)


@click.command()
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="Without an engine compare anew: the file with the line that `mexc-tui exchange` printed.",
)
@asked
def reconcile(exchange_file: Path | None, profile: str | None, as_json: bool) -> None:
    """Compare books with the exchange's; without an engine show the last comparison.

    With --exchange they are compared anew also without an engine; nothing is sent or cancelled.
    Exit code: 0 everything is explained, 1 something is not, 3 books could not be compared.
    """
    from mexc_tui.cli.json_output import reconciliation
    from mexc_tui.cli.trading_pages import reconciliation_page

    with asking(profile, as_json) as asker:
        row = _books(asker).reconciliation(exchange_file)
        asker.show(row, reconciliation_page, reconciliation)
        if row.problem and asker.as_json:
            fail(row.problem, NOT_DONE)
        if row.problem or row.unexplained:
            sys.exit(NOT_DONE)


@click.command("what-if")
@click.argument("symbol")
@asked
def what_if(symbol: str, profile: str | None, as_json: bool) -> None:
    """Say what every validator would say if a pair were armed now. Exit code: 0 it would be, 1 not."""
    from mexc_tui.cli.trading_pages import what_if_page
    from mexc_tui.desk.trading import WHAT_IF, OfSymbol

    with asking(profile, as_json) as asker:
        row = asker.reach.ask(WHAT_IF, OfSymbol(symbol=pair_name(symbol)))
        asker.show(row, what_if_page)
        if not row.approved:
            sys.exit(NOT_DONE)


@click.command()
@click.argument("symbol")
@yes_flag
@asked
def arm(symbol: str, yes: bool, profile: str | None, as_json: bool) -> None:
    """Arm a snipe: buy this listing at its opening, if every validator agrees."""
    from mexc_tui.cli.preview_text import arm_plan
    from mexc_tui.desk.trading import ARM, WHAT_IF, OfSymbol

    with asking(profile, as_json) as asker:
        args = OfSymbol(symbol=pair_name(symbol))
        if not yes:
            expected = asker.reach.ask(WHAT_IF, args)
            if not expected.approved:
                fail(f"{expected.symbol} would be refused: {expected.words}", NOT_DONE)
            agree(asker, arm_plan(expected))
        asker.tell(ARM, args)


@click.command()
@click.argument("symbol")
@asked
def disarm(symbol: str, profile: str | None, as_json: bool) -> None:
    """Take back a snipe that has not fired."""
    from mexc_tui.desk.trading import DISARM, OfSymbol

    with asking(profile, as_json, is_emergency=True) as asker:
        asker.tell(DISARM, OfSymbol(symbol=pair_name(symbol)))


@click.command()
@click.argument("symbol")
@click.option("--share", metavar="PCT", help="Only so many per cent of it.")
@yes_flag
@asked
def close(symbol: str, share: str | None, yes: bool, profile: str | None, as_json: bool) -> None:
    """Sell a position now, or a part of it."""
    from mexc_tui.cli.preview_text import close_plan
    from mexc_tui.desk.trading import CLOSE, Closing

    share_pct = _percent(share)
    with asking(profile, as_json, is_emergency=True) as asker:
        name = pair_name(symbol)
        if not yes:
            held = held_position(asker, name)
            name = held.symbol
            agree(asker, close_plan(held, share_pct))
        asker.tell(CLOSE, Closing(symbol=name, share_pct=share_pct), deadline_s=EXCHANGE_S)


@click.command()
@click.argument("words", nargs=-1)
@asked
def halt(words: tuple[str, ...], profile: str | None, as_json: bool) -> None:
    """Stop buying until a person resumes: entry orders are cancelled, snipes disarmed. Exits go on."""
    from mexc_tui.desk.trading import HALT, HaltRequest

    with asking(profile, as_json, is_emergency=True) as asker:
        asker.tell(HALT, HaltRequest(words=_reason(words)), deadline_s=EXCHANGE_S)


@click.command("reduce-only")
@click.argument("words", nargs=-1)
@asked
def reduce_only(words: tuple[str, ...], profile: str | None, as_json: bool) -> None:
    """Buy nothing until a person resumes; armed snipes wait, exits go on."""
    from mexc_tui.desk.trading import REDUCE_ONLY, HaltRequest

    with asking(profile, as_json, is_emergency=True) as asker:
        asker.tell(REDUCE_ONLY, HaltRequest(words=_reason(words)))


@click.command()
@yes_flag
@asked
def resume(yes: bool, profile: str | None, as_json: bool) -> None:
    """Let the desk buy again. After a loss or a breach a word has to be typed; --yes is not enough then."""
    from mexc_tui.cli.preview_text import resume_plan
    from mexc_tui.desk.trading import RESUME, Resuming
    from mexc_tui.model.trading import Trading
    from mexc_tui.risk.state import RESUME_WORD, needs_word

    with asking(profile, as_json) as asker:
        row, typed = _books(asker).risk(), ""
        if needs_word(Trading(state=row.state, cause=row.cause)):
            typed = typed_word(asker, resume_plan(row), RESUME_WORD)
        elif not yes:
            agree(asker, resume_plan(row))
        asker.tell(RESUME, Resuming(typed=typed))


@click.command("restore-limits")
@yes_flag
@asked
def restore_limits(yes: bool, profile: str | None, as_json: bool) -> None:
    """Let the configured limits apply again after a warning lowered them."""
    from mexc_tui.desk.asking import Nothing
    from mexc_tui.desk.trading import RESTORE_LIMITS
    from mexc_tui.wording.previews import tightening_words

    with asking(profile, as_json) as asker:
        if not yes and (words := tightening_words(_books(asker).risk().tightening)):
            agree(asker, f"The limits of entries are {words}. Apply the configured limits again.")
        asker.tell(RESTORE_LIMITS, Nothing())


@click.command()
@yes_flag
@asked
def flatten(yes: bool, profile: str | None, as_json: bool) -> None:
    """Halt, and sell every position of the desk with a slippage cap."""
    from mexc_tui.desk.asking import Nothing
    from mexc_tui.desk.trading import FLATTEN

    with asking(profile, as_json, is_emergency=True) as asker:
        _agree_to_stop(asker, "FLATTEN", yes=yes)
        asker.tell(FLATTEN, Nothing(), deadline_s=EXCHANGE_S)


@click.command()
@click.option("--direct", is_flag=True, help="Without the engine: halt file, and cancel all its orders.")
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="With --direct: the file with the line that `mexc-tui exchange` printed.",
)
@yes_flag
@asked
def kill(direct: bool, exchange_file: Path | None, yes: bool, profile: str | None, as_json: bool) -> None:
    """Emergency stop: halt, cancel until nothing of ours is seen, then sell everything.

    With --direct it needs no engine: it may be dead, frozen, or hold its books. Nothing is sold then.
    """
    from mexc_tui.desk.trading import KILL, Killing

    if direct:
        from mexc_tui.cli.kill_command import kill_directly

        kill_directly(exchange_file, profile, yes=yes, as_json=as_json)
        return
    with asking(profile, as_json, is_emergency=True) as asker:
        _agree_to_stop(asker, "EMERGENCY STOP", yes=yes)
        asker.tell(KILL, Killing(), deadline_s=EXCHANGE_S)


def _agree_to_stop(asker: CommandRunner, name: str, *, yes: bool) -> None:
    from mexc_tui.cli.preview_text import stop_plan

    if not yes:
        agree(asker, stop_plan(name, _books(asker).held()))


def _books(asker: CommandRunner) -> "StoredTrading":
    from mexc_tui.cli.trading_source import StoredTrading

    return StoredTrading(asker.reach)


def _percent(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        share = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        share = Decimal(0)
    if not (share.is_finite() and 0 < share <= 100):
        raise click.UsageError(f"--share: {text[:20]!r} is no part: above 0, 100 at most, as 50.")
    return share


def _reason(words: tuple[str, ...]) -> str:
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
