"""The table of actions: command, target, confirmation and undo of each.

The keys are in `keys.py`, under the same ids; `command_controller.py` confirms and sends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from mexc_tui.desk import engine_requests, screen_requests, trading_requests
from mexc_tui.desk.api_types import CommandKind
from mexc_tui.model.plan_view import Preview
from mexc_tui.tui.actions.effects import (
    Target,
    closing,
    elsewhere,
    held,
    no_words,
    open_positions,
    stopping,
    stopping_all,
    stopping_engine,
)
from mexc_tui.tui.source import DeskSource

SOON_S = 30.0
EXCHANGE_S = 200.0
"""Seconds to wait for confirmation of a cancel or sale."""
ALL = Decimal(100)


class ActionTarget(StrEnum):
    """Target of an action."""

    DESK = "desk"
    PAIR = "pair"
    """Symbol of the row under the cursor."""
    POSITION = "position"
    """Open position of the symbol under the cursor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action that sends a command to the engine."""

    id: str
    name: str
    """Shown in capitals in confirmations and results."""
    aim: ActionTarget = ActionTarget.DESK
    kind: CommandKind[Any, Any]
    args: Callable[[Target, str], msgspec.Struct]
    """Builds the arguments from the target and the typed word."""
    preview: Preview | None = None
    """Query for its effect before confirmation."""
    words: Callable[[DeskSource, Target], str] = no_words
    """Describes the effect from the rows until the preview arrives."""
    asks: bool = True
    needs_preview: bool = False
    """Adds risk: requires the preview before confirmation."""
    typed: Callable[[DeskSource], str] = no_words
    """Word to type instead of a key; empty: none. The preview may require another."""
    shares: tuple[tuple[str, Decimal], ...] = ()
    """Keys that select a percentage; empty: no choice."""
    deadline_s: float = SOON_S
    then: str = ""
    """How to undo it, shown with the result."""
    undo: str = ""
    """CLI command that undoes it; empty: none."""
    command: str = ""
    """CLI command that does the same; empty: none."""
    changes: tuple[CommandKind[Any, Any], ...] = ()
    """Queries to refresh after it."""

    @property
    def lowers_risk(self) -> bool:
        """Whether it is allowed in read-only mode."""
        return self.kind.reduces_risk and not self.kind.needs_operator


def _of_pair(target: Target, _: str) -> msgspec.Struct:
    return trading_requests.OfSymbol(symbol=target.symbol)


def _of_desk(_: Target, __: str) -> msgspec.Struct:
    return engine_requests.Nothing()


def _by_hand(_: Target, __: str) -> msgspec.Struct:
    return trading_requests.HaltRequest()


def _closing(target: Target, _: str) -> msgspec.Struct:
    return trading_requests.Closing(symbol=target.symbol, share_pct=target.share_pct)


def _resuming(_: Target, typed: str) -> msgspec.Struct:
    return trading_requests.Resuming(typed=typed)


def _unlocking(_: Target, typed: str) -> msgspec.Struct:
    return trading_requests.UnlockAsked(typed=typed)


def _made(target: Target, _: str) -> msgspec.Struct:
    return target.made if target.made is not None else engine_requests.Nothing()


def _said(_: DeskSource, target: Target) -> str:
    return target.words


_MONEY = (trading_requests.PERFORMANCE, engine_requests.WHY, trading_requests.WHAT_IF)

DEEDS: tuple[Deed, ...] = (
    Deed(
        id="halt",
        name="Halt",
        kind=trading_requests.HALT,
        args=_by_hand,
        words=stopping,
        asks=False,
        then="h or R resume",
        undo="resume",
        changes=_MONEY,
    ),
    Deed(
        id="resume",
        name="Resume",
        kind=trading_requests.RESUME,
        command="resume",
        args=_resuming,
        preview=Preview.RESUME,
        needs_preview=True,
        changes=_MONEY,
    ),
    Deed(
        id="unlock",
        name="Unlock live",
        kind=trading_requests.UNLOCK,
        command="unlock",
        args=_unlocking,
        preview=Preview.UNLOCK,
        needs_preview=True,
        then="L lock",
        changes=_MONEY,
    ),
    Deed(
        id="lock",
        name="Lock live",
        kind=trading_requests.LOCK,
        args=_of_desk,
        asks=False,
        then="L unlock",
        undo="unlock",
        changes=_MONEY,
    ),
    Deed(
        id="arm",
        name="Arm",
        aim=ActionTarget.PAIR,
        kind=trading_requests.ARM,
        command="arm",
        args=_of_pair,
        preview=Preview.ARM,
        needs_preview=True,
        then="a disarm",
        changes=_MONEY,
    ),
    Deed(
        id="disarm",
        name="Disarm",
        aim=ActionTarget.PAIR,
        kind=trading_requests.DISARM,
        args=_of_pair,
        asks=False,
        changes=_MONEY,
    ),
    Deed(
        id="close",
        name="Close",
        aim=ActionTarget.POSITION,
        kind=trading_requests.CLOSE,
        args=_closing,
        preview=Preview.CLOSE,
        words=closing,
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="close_part",
        name="Close part",
        aim=ActionTarget.POSITION,
        kind=trading_requests.CLOSE,
        args=_closing,
        preview=Preview.CLOSE,
        words=closing,
        shares=(("2", Decimal(25)), ("5", Decimal(50)), ("7", Decimal(75))),
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="reduce_only",
        name="Reduce only",
        kind=trading_requests.REDUCE_ONLY,
        args=_by_hand,
        asks=False,
        then="R resume",
        undo="resume",
        changes=_MONEY,
    ),
    Deed(
        id="flatten",
        name="Flatten",
        kind=trading_requests.FLATTEN,
        args=_of_desk,
        preview=Preview.FLATTEN,
        words=stopping_all,
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="kill",
        name="Emergency stop",
        kind=trading_requests.KILL,
        args=_of_desk,
        preview=Preview.KILL,
        words=stopping_all,
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="reconcile",
        name="Reconcile",
        kind=trading_requests.RECONCILE,
        command="reconcile",
        args=_of_desk,
        asks=False,
        changes=(engine_requests.JOURNAL,),
    ),
    Deed(
        id="edit_exits",
        name="Edit exits of",
        aim=ActionTarget.POSITION,
        kind=trading_requests.EDIT_EXITS,
        command="exits",
        args=_made,
        words=_said,
        deadline_s=EXCHANGE_S,
        changes=(*_MONEY, screen_requests.MARKET),
    ),
    Deed(
        id="edit_setting",
        name="Change setting",
        kind=engine_requests.SET,
        command="settings",
        args=_made,
        words=_said,
        changes=(engine_requests.SETTINGS, engine_requests.WHY),
    ),
    Deed(
        id="undo_setting",
        name="Undo setting change",
        kind=engine_requests.UNDO,
        args=_made,
        words=_said,
        changes=(engine_requests.SETTINGS, engine_requests.WHY),
    ),
    Deed(
        id="add_listing",
        name="Add listing",
        kind=engine_requests.ADD_LISTING,
        args=_made,
        words=_said,
        asks=False,
    ),
    Deed(
        id="drop_listing",
        name="Drop listing",
        aim=ActionTarget.PAIR,
        kind=engine_requests.DROP_LISTING,
        args=_made,
        words=_said,
        changes=(engine_requests.WHY,),
    ),
    Deed(
        id="stop_engine",
        name="Stop engine",
        kind=engine_requests.STOP,
        command="stop",
        args=_of_desk,
        words=stopping_engine,
        typed=lambda source: "stop" if open_positions(source) else "",
    ),
)
BY_ID = {deed.id: deed for deed in DEEDS}


def refusal(deed: Deed, target: Target, source: DeskSource) -> str:
    """Return why an action is unavailable; empty if it is available."""
    if not source.may_operate and not deed.lowers_risk:
        return f"{deed.name}: unavailable in read-only mode. {elsewhere(deed.command, source)}"
    if deed.aim is ActionTarget.DESK:
        return ""
    if not target.symbol:
        return f"{deed.name}: select a row with a symbol first."
    if deed.aim is ActionTarget.POSITION and held(source, target.symbol) is None:
        return f"{deed.name}: no open position in {target.symbol}."
    return ""


def no_way_back(deed: Deed, source: DeskSource) -> str:
    """Return how to undo an action that read-only mode cannot undo; empty otherwise."""
    if source.may_operate or not deed.undo:
        return ""
    return f"Read-only mode cannot {deed.undo}. {elsewhere(deed.undo, source)}"


def named(deed: Deed, target: Target) -> str:
    """Return action and target: Close 50 % of FOOUSDT."""
    share = "" if target.share_pct is None or target.share_pct == ALL else f" {target.share_pct:f} % of"
    name = "Close" if share else f"{deed.name} of" if deed.shares else deed.name
    return f"{name}{share} {target.symbol}".strip()
