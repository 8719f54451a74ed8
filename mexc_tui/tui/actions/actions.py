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
    close_effect,
    flatten_effect,
    halt_effect,
    no_text,
    open_positions,
    operator_hint,
    position_of,
    stop_engine_effect,
)
from mexc_tui.tui.source import DeskSource

RESPONSE_S = 30.0
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
class ActionSpec:
    """One action that sends a command to the engine."""

    id: str
    name: str
    """Shown in capitals in confirmations and results."""
    target: ActionTarget = ActionTarget.DESK
    kind: CommandKind[Any, Any]
    args: Callable[[Target, str], msgspec.Struct]
    """Builds the arguments from the target and the typed word."""
    preview: Preview | None = None
    """Query for its effect before confirmation."""
    effect: Callable[[DeskSource, Target], str] = no_text
    """Describes the effect from the rows until the preview arrives."""
    needs_confirmation: bool = True
    needs_preview: bool = False
    """Adds risk: requires the preview before confirmation."""
    required_word: Callable[[DeskSource], str] = no_text
    """Word to type instead of a key, from the rows shown; the preview may require another. Empty: none."""
    shares: tuple[tuple[str, Decimal], ...] = ()
    """Keys that select a percentage; empty: no choice."""
    deadline_s: float = RESPONSE_S
    undo_hint: str = ""
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


def _symbol_arguments(target: Target, _: str) -> msgspec.Struct:
    return trading_requests.SymbolArguments(symbol=target.symbol)


def _no_arguments(_: Target, __: str) -> msgspec.Struct:
    return engine_requests.NoArguments()


def _halt_request(_: Target, __: str) -> msgspec.Struct:
    return trading_requests.HaltRequest()


def _close_request(target: Target, _: str) -> msgspec.Struct:
    return trading_requests.CloseRequest(symbol=target.symbol, share_pct=target.share_pct)


def _resume_request(_: Target, typed: str) -> msgspec.Struct:
    return trading_requests.ResumeRequest(typed=typed)


def _arm_request(target: Target, _: str) -> msgspec.Struct:
    return trading_requests.ArmRequest(symbol=target.symbol)


def _unlock_request(_: Target, typed: str) -> msgspec.Struct:
    return trading_requests.UnlockRequest(typed=typed)


def _typed_arguments(target: Target, _: str) -> msgspec.Struct:
    return target.request if target.request is not None else engine_requests.NoArguments()


def _typed_effect(_: DeskSource, target: Target) -> str:
    return target.effect


_TRADING_QUERIES = (trading_requests.PERFORMANCE, engine_requests.WHY, trading_requests.WHAT_IF)

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        id="halt",
        name="Halt",
        kind=trading_requests.HALT,
        args=_halt_request,
        effect=halt_effect,
        needs_confirmation=False,
        undo_hint="h or R resume",
        undo="resume",
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="resume",
        name="Resume",
        kind=trading_requests.RESUME,
        command="resume",
        args=_resume_request,
        preview=Preview.RESUME,
        needs_preview=True,
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="unlock",
        name="Unlock live",
        kind=trading_requests.UNLOCK,
        command="unlock",
        args=_unlock_request,
        preview=Preview.UNLOCK,
        needs_preview=True,
        undo_hint="L lock",
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="lock",
        name="Lock live",
        kind=trading_requests.LOCK,
        args=_no_arguments,
        needs_confirmation=False,
        undo_hint="L unlock",
        undo="unlock",
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="arm",
        name="Arm",
        target=ActionTarget.PAIR,
        kind=trading_requests.ARM,
        command="arm",
        args=_arm_request,
        preview=Preview.ARM,
        needs_preview=True,
        undo_hint="a disarm",
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="disarm",
        name="Disarm",
        target=ActionTarget.PAIR,
        kind=trading_requests.DISARM,
        args=_symbol_arguments,
        needs_confirmation=False,
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="close",
        name="Close",
        target=ActionTarget.POSITION,
        kind=trading_requests.CLOSE,
        args=_close_request,
        preview=Preview.CLOSE,
        effect=close_effect,
        deadline_s=EXCHANGE_S,
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="close_part",
        name="Close part",
        target=ActionTarget.POSITION,
        kind=trading_requests.CLOSE,
        args=_close_request,
        preview=Preview.CLOSE,
        effect=close_effect,
        shares=(("2", Decimal(25)), ("5", Decimal(50)), ("7", Decimal(75))),
        deadline_s=EXCHANGE_S,
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="reduce_only",
        name="Reduce only",
        kind=trading_requests.REDUCE_ONLY,
        args=_halt_request,
        needs_confirmation=False,
        undo_hint="R resume",
        undo="resume",
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="flatten",
        name="Flatten",
        kind=trading_requests.FLATTEN,
        args=_no_arguments,
        preview=Preview.FLATTEN,
        effect=flatten_effect,
        deadline_s=EXCHANGE_S,
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="kill",
        name="Emergency stop",
        kind=trading_requests.KILL,
        args=_no_arguments,
        preview=Preview.KILL,
        effect=flatten_effect,
        deadline_s=EXCHANGE_S,
        changes=_TRADING_QUERIES,
    ),
    ActionSpec(
        id="reconcile",
        name="Reconcile",
        kind=trading_requests.RECONCILE,
        command="reconcile",
        args=_no_arguments,
        needs_confirmation=False,
        changes=(engine_requests.JOURNAL,),
    ),
    ActionSpec(
        id="edit_exits",
        name="Edit exits of",
        target=ActionTarget.POSITION,
        kind=trading_requests.EDIT_EXITS,
        command="exits",
        args=_typed_arguments,
        effect=_typed_effect,
        deadline_s=EXCHANGE_S,
        changes=(*_TRADING_QUERIES, screen_requests.MARKET),
    ),
    ActionSpec(
        id="edit_setting",
        name="Change setting",
        kind=engine_requests.SET,
        command="settings",
        args=_typed_arguments,
        effect=_typed_effect,
        changes=(engine_requests.SETTINGS, engine_requests.WHY),
    ),
    ActionSpec(
        id="undo_setting",
        name="Undo setting change",
        kind=engine_requests.UNDO,
        args=_typed_arguments,
        effect=_typed_effect,
        changes=(engine_requests.SETTINGS, engine_requests.WHY),
    ),
    ActionSpec(
        id="add_listing",
        name="Add listing",
        kind=engine_requests.ADD_LISTING,
        args=_typed_arguments,
        effect=_typed_effect,
        needs_confirmation=False,
    ),
    ActionSpec(
        id="drop_listing",
        name="Drop listing",
        target=ActionTarget.PAIR,
        kind=engine_requests.DROP_LISTING,
        args=_typed_arguments,
        effect=_typed_effect,
        changes=(engine_requests.WHY,),
    ),
    ActionSpec(
        id="stop_engine",
        name="Stop engine",
        kind=engine_requests.STOP,
        command="stop",
        args=_no_arguments,
        effect=stop_engine_effect,
        required_word=lambda source: "stop" if open_positions(source) else "",
    ),
)
BY_ID = {action.id: action for action in ACTIONS}


def refusal(action: ActionSpec, target: Target, source: DeskSource) -> str:
    """Return why an action is unavailable; empty if it is available."""
    if not source.may_operate and not action.lowers_risk:
        return f"{action.name}: unavailable in read-only mode. {operator_hint(action.command, source)}"
    if action.target is ActionTarget.DESK:
        return ""
    if not target.symbol:
        return f"{action.name}: select a row with a symbol first."
    if action.target is ActionTarget.POSITION and position_of(source, target.symbol) is None:
        return f"{action.name}: no open position in {target.symbol}."
    return ""


def undo_unavailable(action: ActionSpec, source: DeskSource) -> str:
    """Return how to undo an action that read-only mode cannot undo; empty otherwise."""
    if source.may_operate or not action.undo:
        return ""
    return f"Read-only mode cannot {action.undo}. {operator_hint(action.undo, source)}"


def action_title(action: ActionSpec, target: Target) -> str:
    """Return action and target: Close 50 % of FOOUSDT."""
    share = "" if target.share_pct is None or target.share_pct == ALL else f" {target.share_pct:f} % of"
    name = "Close" if share else f"{action.name} of" if action.shares else action.name
    return f"{name}{share} {target.symbol}".strip().removesuffix(" of")
