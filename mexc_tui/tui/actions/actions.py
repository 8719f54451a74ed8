"""Everything a person may tell the engine from a screen, once: what it is, what it acts on, what it asks.

The keys are in `keys.py`, under the same ids. Nothing is done here: `hand.py` asks and gives. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from mexc_tui.desk import asking, looking, trading
from mexc_tui.desk.kinds import CommandKind
from mexc_tui.model.plan_view import Preview
from mexc_tui.tui.actions.consequences import (
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
"""So long is waited for what must be seen to have happened at the exchange: cancels, then sales."""
ALL = Decimal(100)


class ActionTarget(StrEnum):
    """What a deed acts on."""

    DESK = "desk"
    PAIR = "pair"
    """The pair of the row under the cursor."""
    POSITION = "position"
    """The open position of the pair under the cursor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that may be told to the engine."""

    id: str
    name: str
    """In capitals where it is asked about and reported."""
    aim: ActionTarget = ActionTarget.DESK
    kind: CommandKind[Any, Any]
    args: Callable[[Target, str], msgspec.Struct]
    """From the target, and what was typed where a word is asked for."""
    preview: Preview | None = None
    """The question that tells beforehand what it would do."""
    words: Callable[[DeskSource, Target], str] = no_words
    """The consequence in numbers, out of the rows, until the engine has said it itself."""
    asks: bool = True
    needs_preview: bool = False
    """It adds risk: it is not done before the engine has said what it would do."""
    typed: Callable[[DeskSource], str] = no_words
    """A word to be typed instead of pressing a key; empty: none. The engine may ask for another."""
    shares: tuple[tuple[str, Decimal], ...] = ()
    """Keys that choose how many per cent; empty: nothing is to be chosen."""
    deadline_s: float = SOON_S
    then: str = ""
    """How to take it back, once it is done."""
    undo: str = ""
    """The command of the command line that takes it back; empty: none does."""
    command: str = ""
    """The command of the command line that does the same; empty: none."""
    changes: tuple[CommandKind[Any, Any], ...] = ()
    """Answers that are old once it is done."""

    @property
    def lowers_risk(self) -> bool:
        """Whether a read-only screen may do it: it lowers risk."""
        return self.kind.reduces_risk and not self.kind.needs_operator


def _of_pair(target: Target, _: str) -> msgspec.Struct:
    return trading.OfSymbol(symbol=target.symbol)


def _of_desk(_: Target, __: str) -> msgspec.Struct:
    return asking.Nothing()


def _by_hand(_: Target, __: str) -> msgspec.Struct:
    return trading.HaltRequest()


def _closing(target: Target, _: str) -> msgspec.Struct:
    return trading.Closing(symbol=target.symbol, share_pct=target.share_pct)


def _resuming(_: Target, typed: str) -> msgspec.Struct:
    return trading.Resuming(typed=typed)


def _unlocking(_: Target, typed: str) -> msgspec.Struct:
    return trading.UnlockAsked(typed=typed)


def _made(target: Target, _: str) -> msgspec.Struct:
    return target.made if target.made is not None else asking.Nothing()


def _said(_: DeskSource, target: Target) -> str:
    return target.words


_MONEY = (trading.PERFORMANCE, asking.WHY, trading.WHAT_IF)

DEEDS: tuple[Deed, ...] = (
    Deed(
        id="halt",
        name="Halt",
        kind=trading.HALT,
        args=_by_hand,
        words=stopping,
        asks=False,
        then="h or R offers to resume",
        undo="resume",
        changes=_MONEY,
    ),
    Deed(
        id="resume",
        name="Resume",
        kind=trading.RESUME,
        command="resume",
        args=_resuming,
        preview=Preview.RESUME,
        needs_preview=True,
        changes=_MONEY,
    ),
    Deed(
        id="unlock",
        name="Unlock live",
        kind=trading.UNLOCK,
        command="unlock",
        args=_unlocking,
        preview=Preview.UNLOCK,
        needs_preview=True,
        then="L locks it again",
        changes=_MONEY,
    ),
    Deed(
        id="lock",
        name="Lock live",
        kind=trading.LOCK,
        args=_of_desk,
        asks=False,
        then="L offers to unlock",
        undo="unlock",
        changes=_MONEY,
    ),
    Deed(
        id="arm",
        name="Arm",
        aim=ActionTarget.PAIR,
        kind=trading.ARM,
        command="arm",
        args=_of_pair,
        preview=Preview.ARM,
        needs_preview=True,
        then="a takes it back",
        changes=_MONEY,
    ),
    Deed(
        id="disarm",
        name="Disarm",
        aim=ActionTarget.PAIR,
        kind=trading.DISARM,
        args=_of_pair,
        asks=False,
        changes=_MONEY,
    ),
    Deed(
        id="close",
        name="Close",
        aim=ActionTarget.POSITION,
        kind=trading.CLOSE,
        args=_closing,
        preview=Preview.CLOSE,
        words=closing,
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="close_part",
        name="Close a part",
        aim=ActionTarget.POSITION,
        kind=trading.CLOSE,
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
        kind=trading.REDUCE_ONLY,
        args=_by_hand,
        asks=False,
        then="R offers to resume",
        undo="resume",
        changes=_MONEY,
    ),
    Deed(
        id="flatten",
        name="Flatten",
        kind=trading.FLATTEN,
        args=_of_desk,
        preview=Preview.FLATTEN,
        words=stopping_all,
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="kill",
        name="Emergency stop",
        kind=trading.KILL,
        args=_of_desk,
        preview=Preview.KILL,
        words=stopping_all,
        deadline_s=EXCHANGE_S,
        changes=_MONEY,
    ),
    Deed(
        id="reconcile",
        name="Compare books",
        kind=trading.RECONCILE,
        command="reconcile",
        args=_of_desk,
        asks=False,
        changes=(asking.JOURNAL,),
    ),
    Deed(
        id="edit_exits",
        name="Change exits of",
        aim=ActionTarget.POSITION,
        kind=trading.EDIT_EXITS,
        command="exits",
        args=_made,
        words=_said,
        deadline_s=EXCHANGE_S,
        changes=(*_MONEY, looking.MARKET),
    ),
    Deed(
        id="edit_setting",
        name="Change a setting",
        kind=asking.SET,
        command="settings",
        args=_made,
        words=_said,
        changes=(asking.SETTINGS, asking.WHY),
    ),
    Deed(
        id="undo_setting",
        name="Undo the last setting",
        kind=asking.UNDO,
        args=_made,
        words=_said,
        changes=(asking.SETTINGS, asking.WHY),
    ),
    Deed(
        id="add_listing", name="Watch a listing", kind=asking.ADD_LISTING, args=_made, words=_said, asks=False
    ),
    Deed(
        id="drop_listing",
        name="Watch no more",
        aim=ActionTarget.PAIR,
        kind=asking.DROP_LISTING,
        args=_made,
        words=_said,
        changes=(asking.WHY,),
    ),
    Deed(
        id="stop_engine",
        name="Stop the engine",
        kind=asking.STOP,
        command="stop",
        args=_of_desk,
        words=stopping_engine,
        typed=lambda source: "stop" if open_positions(source) else "",
    ),
)
BY_ID = {deed.id: deed for deed in DEEDS}


def refusal(deed: Deed, target: Target, source: DeskSource) -> str:
    """Say in words why a deed cannot even be asked for; empty: it can."""
    if not source.may_operate and not deed.lowers_risk:
        return f"{deed.name}: not from a READ-ONLY screen. {elsewhere(deed.command, source)}"
    if deed.aim is ActionTarget.DESK:
        return ""
    if not target.symbol:
        return f"{deed.name}: choose a row with a pair first."
    if deed.aim is ActionTarget.POSITION and held(source, target.symbol) is None:
        return f"{deed.name}: no position in {target.symbol} is open."
    return ""


def no_way_back(deed: Deed, source: DeskSource) -> str:
    """Say that a read-only screen cannot take a deed back, and what can; empty: that is not so."""
    if source.may_operate or not deed.undo:
        return ""
    return f"This READ-ONLY screen cannot {deed.undo}. {elsewhere(deed.undo, source)}"


def named(deed: Deed, target: Target) -> str:
    """Return what is done to what: Close 50 % of FOOUSDT."""
    share = "" if target.share_pct is None or target.share_pct == ALL else f" {target.share_pct:f} % of"
    name = "Close" if share else f"{deed.name} of" if deed.shares else deed.name
    return f"{name}{share} {target.symbol}".strip()
