"""Handlers of trading views, queries and commands; a read-only engine refuses them."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from mexc_tui.desk import trading_requests
from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Row
from mexc_tui.desk.command_executor import CommandExecutor, HandlerResult, ReceivedCommand, missing_role
from mexc_tui.desk.engine_requests import CheckPassed, NoArguments
from mexc_tui.desk.views import View
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.engine.views.trading_queries import TradingQueries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.plan_view import Preview, PreviewRow
from mexc_tui.model.policy import Rung
from mexc_tui.model.text import clean
from mexc_tui.model.trading_view import DustRow, PerformanceRow, ReconciliationRow, WhatIfRow
from mexc_tui.sniping.exit_edit import ExitUpdate
from mexc_tui.sniping.request import ArmTerms
from mexc_tui.wording.previews import preview_text

Args = TypeVar("Args", bound=msgspec.Struct)
Result = TypeVar("Result")
Shown = TypeVar("Shown", bound=msgspec.Struct)

READ_ONLY = (
    "This engine is read-only: it has no API key for trading. To trade: mexc-tui --headless --mode practice"
)
HUNDRED = Decimal(100)


class TradingViews:
    """Trading views of the last refresh."""

    def __init__(self, queries: TradingQueries | None) -> None:
        self._queries = queries
        self._snipes, self._orders = View(trading_requests.SNIPES), View(trading_requests.ORDERS)
        self._positions, self._risk = View(trading_requests.POSITIONS), View(trading_requests.RISK)

    def all(self) -> list[View[Any]]:
        """Return every view."""
        return [self._snipes, self._orders, self._positions, self._risk]

    def refresh(self) -> None:
        """Update the views from the engine."""
        queries = self._queries
        if queries is None:
            return
        replace_rows(self._snipes, {row.id: row for row in queries.snipes()})
        replace_rows(self._orders, {row.client_order_id: row for row in queries.orders()})
        replace_rows(self._positions, {row.id: row for row in queries.positions()})
        self._risk.put("desk", queries.risk())


def replace_rows(view: View[Row], rows: dict[str, Row]) -> None:
    """Replace all rows of a view."""
    for key in view.rows.keys() - rows.keys():
        view.drop(key)
    for key, row in rows.items():
        view.put(key, row)


def handle_trading(
    desk: CommandExecutor, queries: TradingQueries | None, changed: Callable[[], None]
) -> None:
    """Handle queries and commands of trading; call `changed` after each command."""
    if queries is None:
        for kind in trading_requests.ALL:
            desk.handle(kind, _refuse)
        return
    _handle_queries(desk, queries)
    _handle_commands(desk, queries, changed)


async def _refuse(_: object, __: ReceivedCommand) -> HandlerResult[Any]:
    raise CommandRefused(READ_ONLY)


def _handle_queries(desk: CommandExecutor, queries: TradingQueries) -> None:
    async def what_if(args: trading_requests.ArmRequest, _: ReceivedCommand) -> HandlerResult[WhatIfRow]:
        return HandlerResult("", await queries.what_if(args.symbol, arm_terms(args)))

    async def preview(
        args: trading_requests.PreviewQuery, command: ReceivedCommand
    ) -> HandlerResult[PreviewRow]:
        role, needed = command.sender.role, trading_requests.UNLOCK.role
        if args.name is Preview.UNLOCK and not role.includes(needed):
            raise CommandRefused(missing_role(role, needed, trading_requests.UNLOCK.name))
        share = checked_share(args.share_pct)
        row = await queries.preview(args.name, args.symbol, share)
        return HandlerResult("", msgspec.structs.replace(row, text=row.text or preview_text(row)))

    async def performance(_: NoArguments, __: ReceivedCommand) -> HandlerResult[PerformanceRow]:
        return HandlerResult("", await queries.performance())

    async def reconcile(_: NoArguments, __: ReceivedCommand) -> HandlerResult[ReconciliationRow]:
        row = await queries.reconcile()
        text = f"{len(row.explained)} explained, {len(row.unexplained)} unexplained differences."
        return HandlerResult(
            row.problem or text, row, CommandOutcome.PARTLY if row.problem else CommandOutcome.DONE
        )

    async def check_exits(args: trading_requests.ExitsEdit, _: ReceivedCommand) -> HandlerResult[CheckPassed]:
        return HandlerResult(await queries.check_exits(args.symbol, _exit_edit(args)), CheckPassed())

    async def dust(_: NoArguments, __: ReceivedCommand) -> HandlerResult[DustRow]:
        return HandlerResult("", await queries.dust())

    desk.handle(trading_requests.WHAT_IF, what_if)
    desk.handle(trading_requests.CHECK_EXITS, check_exits)
    desk.handle(trading_requests.DUST, dust)
    desk.handle(trading_requests.PREVIEW, preview)
    desk.handle(trading_requests.PERFORMANCE, performance)
    desk.handle(trading_requests.RECONCILE, reconcile)


def _handle_commands(desk: CommandExecutor, queries: TradingQueries, changed: Callable[[], None]) -> None:
    def handle(
        kind: CommandKind[Args, Result],
        act: Callable[[Args, ReceivedCommand], Awaitable[CommandResult[Result]]],
    ) -> None:
        async def handler(args: Args, command: ReceivedCommand) -> HandlerResult[Result]:
            result = await act(args, command)
            changed()
            return HandlerResult(
                result.text, result.result, CommandOutcome.DONE if result.is_all else CommandOutcome.PARTLY
            )

        desk.handle(kind, handler)

    handle(
        trading_requests.ARM,
        lambda args, command: queries.arm(args.symbol, command.sender.who, arm_terms(args)),
    )
    handle(trading_requests.DISARM, lambda args, command: queries.disarm(args.symbol, command.sender.who))
    handle(
        trading_requests.CLOSE,
        lambda args, command: queries.close(args.symbol, checked_share(args.share_pct), command.sender.who),
    )
    handle(
        trading_requests.EDIT_EXITS,
        lambda args, command: queries.edit_exits(args.symbol, _exit_edit(args), command.sender.who),
    )
    handle(trading_requests.CONVERT_DUST, lambda args, _: queries.convert_dust(args.assets))
    handle(trading_requests.HALT, lambda args, command: queries.halt(command.sender.who, clean(args.words)))
    handle(
        trading_requests.REDUCE_ONLY,
        lambda args, command: queries.reduce_only(command.sender.who, clean(args.words)),
    )
    handle(trading_requests.RESUME, lambda args, command: queries.resume(command.sender.who, args.typed))
    handle(trading_requests.RESTORE_LIMITS, lambda _, command: queries.restore_limits(command.sender.who))
    handle(trading_requests.UNLOCK, lambda args, command: queries.unlock(command.sender.who, args.typed))
    handle(trading_requests.LOCK, lambda _, command: queries.lock(command.sender.who))
    handle(trading_requests.FLATTEN, lambda _, command: queries.flatten(command.sender.who))
    handle(trading_requests.KILL, lambda args, command: queries.kill(command.sender.who, sells=args.sell))


def arm_terms(args: trading_requests.ArmRequest) -> ArmTerms:
    """Return the terms of a snipe. Raises CommandRefused for a number that is not above 0."""
    terms = ArmTerms(spend=args.spend, max_price=args.max_price, stop_loss_pct=args.stop_loss_pct)
    for number in (terms.spend, terms.max_price, terms.stop_loss_pct):
        if number is not None and not (number.is_finite() and number > 0):
            raise CommandRefused(f"{number} is not possible here. Use a number above 0.")
    return terms


def checked_share(share: Decimal | None) -> Decimal | None:
    """Return a share in per cent. Raises CommandRefused if it is not above 0 and at most 100."""
    if share is not None and not (share.is_finite() and 0 < share <= HUNDRED):
        raise CommandRefused(f"{share} % is not a share of a position. Use a number above 0 and at most 100.")
    return share


def _exit_edit(args: trading_requests.ExitsEdit) -> ExitUpdate:
    rungs = args.ladder
    return ExitUpdate(
        stop_price=args.stop_price,
        trailing=args.trailing,
        trailing_after_pct=args.trailing_after_pct,
        trailing_distance_pct=args.trailing_distance_pct,
        ladder=None if rungs is None else tuple(Rung(rung.share_pct, rung.gain_pct) for rung in rungs),
        break_even_rung=args.break_even_rung,
        time_stop_s=args.time_stop_s,
    )
