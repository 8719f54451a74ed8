"""The table of keys: action, scope, name and help text of each.

Bindings, footer, palette and help are generated from this table.

Avoid ctrl+a, ctrl+b, ctrl+s, ctrl+z and alt: terminals and multiplexers use them.
"""

from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len
from textual.binding import Binding

from mexc_tui.model.text import many


class Scope(StrEnum):
    """Where a key works."""

    EVERYWHERE = "everywhere"
    TABLE = "in a table"
    FILTER = "while filtering"


class KeyGroup(StrEnum):
    """Group of a key, in the order of the help."""

    SCREENS = "Screens"
    MOVE = "Move"
    FIND = "Find"
    VIEW = "View"
    EXPORT = "Export"
    STOP = "Reduce risk"
    TRADE = "Trade"
    HELP = "Help"
    LEAVE = "Leave"


@dataclass(frozen=True, slots=True)
class Key:
    """One action. `keys` in Textual's notation, the first one is shown; `id` is stable for user keymaps."""

    id: str
    keys: str
    """Empty: palette only."""
    action: str
    name: str
    """One or two words for the footer."""
    help: str
    group: KeyGroup
    scope: Scope = Scope.EVERYWHERE
    foot: int = 0
    """Position in the footer from 1; 0: not in the footer."""
    needs_operator: bool = False
    """Hidden in read-only mode."""
    read_only_help: str = ""
    """Help text in read-only mode, if different."""
    boards: frozenset[str] = frozenset()
    """Screens whose footer shows it; empty: all."""
    is_first: bool = False
    """Handled before the focused widget."""

    def help_for(self, *, may_operate: bool) -> str:
        """Return the help text for an operator or a read-only user."""
        return self.help if may_operate else self.read_only_help or self.help

    @property
    def each(self) -> tuple[str, ...]:
        """Return the keys in Textual's notation."""
        return tuple(self.keys.split(",")) if self.keys else ()

    @property
    def shown(self) -> str:
        """Return the key as shown to the user."""
        return " ".join(_KEY_LABELS.get(key, key) for key in self.each)


_KEY_LABELS = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "ctrl+p": "^p",
    "ctrl+q": "^q",
    "ctrl+x": "^x",
}

_HIDDEN_PANES_POSITION = 3.5
"""Footer position of the key to hidden panes: after Leave, before trading keys."""
BETWEEN = "  "
"""Separator of keys in the footer."""
_TABLE, _FILTER = Scope.TABLE, Scope.FILTER
_SYMBOL = frozenset({"desk", "listings", "signals"})
_HELD = frozenset({"desk", "positions"})
_MONEY = frozenset({"desk", "positions", "risk"})
_RISK = frozenset({"risk"})
_BOOKS = frozenset({"risk", "engine"})
_LISTED, _SET = frozenset({"listings"}), frozenset({"settings"})

KEYS: tuple[Key, ...] = (
    Key("desk", "1", "go('desk')", "Desk", "Next openings, signals, positions", KeyGroup.SCREENS),
    Key("listings", "2", "go('listings')", "Listings", "Every listing with its history",
        KeyGroup.SCREENS),
    Key("signals", "3", "go('signals')", "Signals", "Signals with probabilities and reasons",
        KeyGroup.SCREENS),
    Key("positions", "4", "go('positions')", "Positions", "Positions, exits, orders, market",
        KeyGroup.SCREENS),
    Key("risk", "5", "go('risk')", "Risk", "Trading state, limits, equity, metrics", KeyGroup.SCREENS),
    Key("detectors", "6", "go('detectors')", "Detectors", "Hit rate of each detector", KeyGroup.SCREENS),
    Key("engine", "7", "go('engine')", "Engine", "Latency, weights, streams, resources", KeyGroup.SCREENS),
    Key("journal", "8", "go('journal')", "Journal", "Every event, newest first", KeyGroup.SCREENS),
    Key("settings", "9", "go('settings')", "Settings", "Every setting", KeyGroup.SCREENS),
    Key("next", "tab", "app.focus_next", "Pane", "Next pane, including hidden ones", KeyGroup.MOVE,
        foot=17),
    Key("before", "shift+tab", "app.focus_previous", "Previous pane", "Previous pane", KeyGroup.MOVE),
    Key("up", "up,k", "move(-1)", "Up", "Previous row", KeyGroup.MOVE, _TABLE),
    Key("down", "down,j", "move(1)", "Down", "Next row", KeyGroup.MOVE, _TABLE),
    Key("page_up", "pageup", "page(-1)", "Page up", "Page up", KeyGroup.MOVE, _TABLE),
    Key("page_down", "pagedown", "page(1)", "Page down", "Page down", KeyGroup.MOVE, _TABLE),
    Key("first", "home,g", "move(-1000000)", "First", "First row", KeyGroup.MOVE, _TABLE),
    Key("last", "end,G", "move(1000000)", "Last", "Last row", KeyGroup.MOVE, _TABLE),
    Key("choose", "enter", "choose", "Details", "Show details of the row", KeyGroup.VIEW, _TABLE),
    Key("filter", "slash", "filter", "Filter", "Show rows with these words; !word excludes",
        KeyGroup.FIND, foot=9),
    Key("clear", "escape", "clear_filter", "Clear", "Close details, show all panes and rows", KeyGroup.FIND,
        _FILTER),
    Key("sort", "s", "sort", "Sort", "Sort by the next column", KeyGroup.FIND, _TABLE, foot=12),
    Key("turn", "S", "turn", "Reverse", "Reverse the sort order", KeyGroup.FIND, _TABLE),
    Key("theme", "T", "next_theme", "Theme", "Next theme", KeyGroup.VIEW, foot=16),
    Key("freeze", "p", "freeze", "Pause", "Pause or resume the display; the engine keeps running",
        KeyGroup.VIEW, foot=13),
    Key("zoom", "z", "zoom", "Zoom", "Show one pane or all panes", KeyGroup.VIEW, foot=12),
    Key("zone", "t", "zone", "UTC", "Show times in local time and UTC, or UTC only", KeyGroup.VIEW, foot=15),
    Key("activity", "m", "activity", "Activity", "Your actions with results, and alerts",
        KeyGroup.VIEW, foot=11),
    Key("copy", "y", "copy", "Copy", "Copy the row under the cursor", KeyGroup.EXPORT, foot=10),
    Key("export", "e", "export('csv')", "Export", "Save the table as CSV", KeyGroup.EXPORT, foot=14),
    Key("export_json", "E", "export('json')", "Export JSON", "Save the table as JSON, unrounded",
        KeyGroup.EXPORT),
    Key("screenshot", "", "picture", "Screenshot", "Save the screen as an SVG picture", KeyGroup.EXPORT),
    Key("halt", "h,H", "command('halt')", "Halt", "Halt entries now; again: resume (confirm)",
        KeyGroup.STOP, foot=1, is_first=True, read_only_help="Halt entries now; resume is not available"),
    Key("halt_now", "ctrl+x", "halt_now", "Halt", "Halt entries now, also while typing",
        KeyGroup.STOP, is_first=True),
    Key("reduce_only", "r", "command('reduce_only')", "Reduce only", "Stop entries now; snipes stay armed",
        KeyGroup.STOP),
    Key("disarm", "a", "command('disarm')", "Disarm", "Disarm the snipe of the symbol now",
        KeyGroup.STOP, foot=7, boards=_SYMBOL),
    Key("close", "D", "command('close')", "Close", "Sell the position (confirm)",
        KeyGroup.STOP, foot=5, boards=_HELD),
    Key("close_part", "P", "command('close_part')", "Part", "Sell 25, 50 or 75 % of the position (confirm)",
        KeyGroup.STOP, foot=6, boards=_HELD),
    Key("flatten", "X", "command('flatten')", "Flatten",
        "Halt, cancel all orders, sell all positions (confirm)",
        KeyGroup.STOP, foot=5, boards=_MONEY),
    Key("kill", "K", "command('kill')", "Emergency",
        "Emergency: cancel all, sell all; a typed word resumes (confirm)",
        KeyGroup.STOP, foot=6, boards=_RISK),
    Key("lock", "", "command('lock')", "Lock live", "Lock live trading now: no entries until unlocked",
        KeyGroup.STOP),
    Key("unlock", "L", "command('unlock')", "Live", "Unlock live trading by a phrase, or lock it (confirm)",
        KeyGroup.TRADE, foot=9, boards=_RISK, needs_operator=True),
    Key("arm", "A", "command('arm')", "Arm", "Buy the symbol at its opening (confirm)",
        KeyGroup.TRADE, foot=4, boards=_SYMBOL, needs_operator=True),
    Key("edit_exits", "M", "form('edit_exits')", "Exits",
        "Edit stop, take-profits, trailing, time stop (confirm)",
        KeyGroup.TRADE, foot=7, boards=_HELD, needs_operator=True),
    Key("add_listing", "N", "form('add_listing')", "New", "Add a listing manually",
        KeyGroup.TRADE, foot=8, boards=_LISTED, needs_operator=True),
    Key("drop_listing", "W", "form('drop_listing')", "Drop", "Drop this listing (confirm)",
        KeyGroup.TRADE, foot=9, boards=_LISTED, needs_operator=True),
    Key("edit_setting", "C", "form('edit_setting')", "Change", "Change this setting (confirm)",
        KeyGroup.TRADE, foot=3, boards=_SET, needs_operator=True),
    Key("undo_setting", "U", "command('undo_setting')", "Undo", "Undo the last setting change (confirm)",
        KeyGroup.TRADE, foot=4, boards=_SET, needs_operator=True),
    Key("resume", "R", "command('resume')", "Resume", "Resume entries (confirm)",
        KeyGroup.TRADE, foot=8, boards=_MONEY, needs_operator=True),
    Key("reconcile", "B", "command('reconcile')", "Reconcile", "Reconcile ledger and exchange now",
        KeyGroup.TRADE, foot=8, boards=_BOOKS, needs_operator=True),
    Key("help", "question_mark,f1", "help", "Help", "Help of this screen and its keys",
        KeyGroup.HELP, foot=2),
    Key("palette", "ctrl+p,colon", "command_palette", "Commands", "Find an action by name",
        KeyGroup.HELP, foot=9),
    Key("welcome", "", "welcome", "Welcome", "Show the welcome page", KeyGroup.HELP, needs_operator=True),
    Key("leave", "q,ctrl+q", "leave", "Leave", "Leave: detach or stop the engine", KeyGroup.LEAVE, foot=3),
    Key("stop_engine", "", "command('stop_engine')", "Stop engine", "Stop the engine and its stops (confirm)",
        KeyGroup.LEAVE, needs_operator=True),
)  # fmt: skip
BY_ID = {key.id: key for key in KEYS}


def bindings(scope: Scope) -> list[Binding]:
    """Return the Textual bindings of a scope."""
    return [_binding(key) for key in KEYS if key.scope is scope and key.keys]


def scrolling() -> list[Binding]:
    """Return the bindings that scroll a pane of lines."""
    return [_binding(key) for key in KEYS if key.scope is Scope.TABLE and key.group is KeyGroup.MOVE]


def _binding(key: Key) -> Binding:
    return Binding(
        key.keys, key.action, key.name, show=False, id=key.id, tooltip=key.help, priority=key.is_first
    )


def allowed(*, may_operate: bool) -> tuple[Key, ...]:
    """Return the keys available to the user; in read-only mode those that reduce risk."""
    return tuple(key for key in KEYS if may_operate or not key.needs_operator)


@dataclass(frozen=True, slots=True)
class FooterKey:
    """Footer text of a key; a click on it presses the key."""

    text: str
    key: str
    """In Textual's notation."""


def footer(
    width: int, *, may_operate: bool, board: str = "", has_table: bool = True, hidden: int = 0
) -> list[FooterKey]:
    """Return the most important keys of a screen that fit one line.

    `has_table`: table keys work. `hidden`: number of hidden panes; if any, the pane key comes early.
    """
    spots: list[FooterKey] = []
    here = [key for key in allowed(may_operate=may_operate) if not key.boards or board in key.boards]
    works = [key for key in here if key.foot and (has_table or key.scope is not Scope.TABLE)]
    for key in sorted(
        works, key=lambda key: _HIDDEN_PANES_POSITION if hidden and key.id == "next" else key.foot
    ):
        name = f"+{many(hidden, 'pane')}" if hidden and key.id == "next" else key.name
        spot = FooterKey(f"{key.shown.split(' ')[0]} {name}", key.each[0])
        width -= cell_len(spot.text) + (len(BETWEEN) if spots else 0)
        if width < 0:
            break
        spots.append(spot)
    return spots


def typing_footer(*, needs_enter: bool) -> list[FooterKey]:
    """Return the keys that work while text is typed."""
    halt = BY_ID["halt_now"]
    enter = [FooterKey("enter apply", "enter")] if needs_enter else []
    return [FooterKey(f"{halt.shown} {halt.name}", halt.keys), *enter, FooterKey("esc cancel", "escape")]


def screens(board: str) -> list[FooterKey]:
    """Return the numbers of all screens, with a mark at the current one."""
    return [
        FooterKey(f"[{key.keys}]" if key.id == board else key.keys, key.keys)
        for key in KEYS
        if key.group is KeyGroup.SCREENS
    ]


def palette(*, may_operate: bool) -> list[tuple[str, str, str]]:
    """Return name, help and action of every global key."""
    return [
        (
            f"{key.name} ({key.shown})" if key.keys else key.name,
            key.help_for(may_operate=may_operate),
            key.action,
        )
        for key in allowed(may_operate=may_operate)
        if key.scope is Scope.EVERYWHERE and key.id != "palette"
    ]


def help_text(*, may_operate: bool) -> str:
    """Return the help text of all keys by group."""
    keys = allowed(may_operate=may_operate)
    blocks: list[str] = []
    for group in KeyGroup:
        lines = [
            f"  {key.shown:<12}{key.help_for(may_operate=may_operate)}"
            for key in keys
            if key.group is group and key.keys
        ]
        if lines:
            blocks.append("\n".join([group.value, *lines]))
    return "\n\n".join(blocks)
