"""Handlers of trading views, queries and commands; a read-only engine refuses them."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from mexc_tui.desk import trading_requests
from mexc_tui.desk.api_types import CommandKind, CommandOutcome, Role, Row
from mexc_tui.desk.command_executor import CommandDesk, HandlerResult, ReceivedCommand
from mexc_tui.desk.engine_requests import Agreed, Nothing
from mexc_tui.desk.views import View
from mexc_tui.engine.runtime.command_result import CommandResult
from mexc_tui.engine.views.trading_queries import TradingQueries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.plan_view import Preview, PreviewRow
from mexc_tui.model.policy import Rung
from mexc_tui.model.text import clean
from mexc_tui.model.trading_view import DustRow, PerformanceRow, ReconciliationRow, WhatIfRow
from mexc_tui.sniping.exit_edit import ExitWish
from mexc_tui.wording.previews import preview_words

Args = TypeVar("Args", bound=msgspec.Struct)
Result = TypeVar("Result")
Shown = TypeVar("Shown", bound=msgspec.Struct)

LOOKS_ONLY = (
    "This engine is read-only: it has no key to trade with. To trade: mexc-tui --headless --mode practice"
)
HUNDRED = Decimal(100)


class TradingViews:
    """Trading views of the last refresh."""

    def __init__(self, queries: TradingQueries | None) -> None:
        self._face = queries
        self._snipes, self._orders = View(trading_requests.SNIPES), View(trading_requests.ORDERS)
        self._positions, self._risk = View(trading_requests.POSITIONS), View(trading_requests.RISK)

    def all(self) -> list[View[Any]]:
        """Return every view."""
        return [self._snipes, self._orders, self._positions, self._risk]

    def refresh(self) -> None:
        """Bring the views up to what the engine knows now."""
        queries = self._face
        if queries is None:
            return
        show(self._snipes, {row.id: row for row in queries.snipes()})
        show(self._orders, {row.client_order_id: row for row in queries.orders()})
        show(self._positions, {row.id: row for row in queries.positions()})
        self._risk.put("desk", queries.risk())


def show(view: View[Row], rows: dict[str, Row]) -> None:
    """Make a view hold these rows and no others."""
    for key in view.rows.keys() - rows.keys():
        view.drop(key)
    for key, row in rows.items():
        view.put(key, row)


def handle_trading(desk: CommandDesk, queries: TradingQueries | None, changed: Callable[[], None]) -> None:
    """Handle queries and commands of trading; `changed` is called once one has acted."""
    if queries is None:
        for kind in trading_requests.ALL:
            desk.handle(kind, _refuse)
        return
    _answer(desk, queries)
    _act(desk, queries, changed)


async def _refuse(_: object, __: ReceivedCommand) -> HandlerResult[Any]:
    raise CommandRefused(LOOKS_ONLY)


def _answer(desk: CommandDesk, queries: TradingQueries) -> None:
    async def what_if(args: trading_requests.OfSymbol, _: ReceivedCommand) -> HandlerResult[WhatIfRow]:
        return HandlerResult("", await queries.what_if(args.symbol))

    async def preview(
        args: trading_requests.PreviewAsked, given: ReceivedCommand
    ) -> HandlerResult[PreviewRow]:
        if args.name is Preview.UNLOCK and given.giver.role is not Role.OPERATE:
            raise CommandRefused("Read-only viewer: unlocking needs the operate role.")
        share = checked_share(args.share_pct)
        row = await queries.preview(args.name, args.symbol, share)
        return HandlerResult("", msgspec.structs.replace(row, words=row.words or preview_words(row)))

    async def performance(_: Nothing, __: ReceivedCommand) -> HandlerResult[PerformanceRow]:
        return HandlerResult("", await queries.performance())

    async def reconcile(_: Nothing, __: ReceivedCommand) -> HandlerResult[ReconciliationRow]:
        row = await queries.reconcile()
        words = f"{len(row.explained)} explained, {len(row.unexplained)} unexplained differences."
        return HandlerResult(
            row.problem or words, row, CommandOutcome.PARTLY if row.problem else CommandOutcome.DONE
        )

    async def check_exits(args: trading_requests.ExitsEdit, _: ReceivedCommand) -> HandlerResult[Agreed]:
        return HandlerResult(await queries.check_exits(args.symbol, _wish(args)), Agreed())

    async def dust(_: Nothing, __: ReceivedCommand) -> HandlerResult[DustRow]:
        return HandlerResult("", await queries.dust())

    desk.handle(trading_requests.WHAT_IF, what_if)
    desk.handle(trading_requests.CHECK_EXITS, check_exits)
    desk.handle(trading_requests.DUST, dust)
    desk.handle(trading_requests.PREVIEW, preview)
    desk.handle(trading_requests.PERFORMANCE, performance)
    desk.handle(trading_requests.RECONCILE, reconcile)


def _act(desk: CommandDesk, queries: TradingQueries, changed: Callable[[], None]) -> None:
    def take(
        kind: CommandKind[Args, Result],
        act: Callable[[Args, ReceivedCommand], Awaitable[CommandResult[Result]]],
    ) -> None:
        async def handler(args: Args, given: ReceivedCommand) -> HandlerResult[Result]:
            acted = await act(args, given)
            changed()
            return HandlerResult(
                acted.words, acted.result, CommandOutcome.DONE if acted.is_all else CommandOutcome.PARTLY
            )

        desk.handle(kind, handler)

    take(trading_requests.ARM, lambda args, given: queries.arm(args.symbol, given.giver.who))
    take(trading_requests.DISARM, lambda args, given: queries.disarm(args.symbol, given.giver.who))
    take(
        trading_requests.CLOSE,
        lambda args, given: queries.close(args.symbol, checked_share(args.share_pct), given.giver.who),
    )
    take(
        trading_requests.EDIT_EXITS,
        lambda args, given: queries.edit_exits(args.symbol, _wish(args), given.giver.who),
    )
    take(trading_requests.CONVERT_DUST, lambda args, _: queries.convert_dust(args.assets))
    take(trading_requests.HALT, lambda args, given: queries.halt(given.giver.who, clean(args.words)))
    take(
        trading_requests.REDUCE_ONLY,
        lambda args, given: queries.reduce_only(given.giver.who, clean(args.words)),
    )
    take(trading_requests.RESUME, lambda args, given: queries.resume(given.giver.who, args.typed))
    take(trading_requests.RESTORE_LIMITS, lambda _, given: queries.restore_limits(given.giver.who))
    take(trading_requests.UNLOCK, lambda args, given: queries.unlock(given.giver.who, args.typed))
    take(trading_requests.LOCK, lambda _, given: queries.lock(given.giver.who))
    take(trading_requests.FLATTEN, lambda _, given: queries.flatten(given.giver.who))
    take(trading_requests.KILL, lambda args, given: queries.kill(given.giver.who, sells=args.sell))


def checked_share(share: Decimal | None) -> Decimal | None:
    """Return a share in per cent. Raises CommandRefused for one that is none."""
    if share is not None and not (share.is_finite() and 0 < share <= HUNDRED):
        raise CommandRefused(f"{share} % is not a share of a position. Use a number above 0 and at most 100.")
    return share


def _wish(args: trading_requests.ExitsEdit) -> ExitWish:
    rungs = args.ladder
    return ExitWish(
        stop_price=args.stop_price,
        trailing=args.trailing,
        trailing_after_pct=args.trailing_after_pct,
        trailing_distance_pct=args.trailing_distance_pct,
        ladder=None if rungs is None else tuple(Rung(one.share_pct, one.gain_pct) for one in rungs),
        break_even_rung=args.break_even_rung,
        time_stop_s=args.time_stop_s,
    )
