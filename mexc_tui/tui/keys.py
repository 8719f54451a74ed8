"""Every key once: what it does, where, and what it is called.

Bindings, footer, palette and help are made from this table.

Not taken, because terminals and multiplexers take them: ctrl+a, ctrl+b, ctrl+s, ctrl+z, alt with anything.
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
    """What a key is about; the order of the help."""

    SCREENS = "Screens"
    MOVE = "Move"
    FIND = "Find"
    VIEW = "View"
    TAKE = "Take away"
    STOP = "Less risk"
    TRADE = "Trade"
    HELP = "Help"
    LIFE = "Leave"


@dataclass(frozen=True, slots=True)
class Key:
    """One action: its keys in Textual's words, the first one shown; `id` is kept in a person's own keymap."""

    id: str
    keys: str
    """Empty: only in the palette."""
    action: str
    name: str
    """One or two words for the footer."""
    help: str
    group: KeyGroup
    scope: Scope = Scope.EVERYWHERE
    foot: int = 0
    """Place in the footer, 1 first; 0: not shown there."""
    needs_operator: bool = False
    """Not there on a read-only screen."""
    read_only_help: str = ""
    """What it does on a read-only screen, where that is less; empty: the same."""
    boards: frozenset[str] = frozenset()
    """Boards whose footer shows it; empty: every board's."""
    is_first: bool = False
    """Heard before whatever has the focus."""

    def says(self, *, may_operate: bool) -> str:
        """Return what it does for a viewer who may, or may not, add risk."""
        return self.help if may_operate else self.read_only_help or self.help

    @property
    def each(self) -> tuple[str, ...]:
        """Return its keys in Textual's words."""
        return tuple(self.keys.split(",")) if self.keys else ()

    @property
    def shown(self) -> str:
        """Return the key as a person would say it."""
        return " ".join(_SAID.get(key, key) for key in self.each)


_SAID = {
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

_HIDDEN_FOOT = 3.5
"""Place in the footer of the key to panes that there is no room for: behind leaving, before what trades."""
BETWEEN = "  "
"""Between two keys of a footer."""
_TABLE, _FILTER = Scope.TABLE, Scope.FILTER
_PAIRS = frozenset({"desk", "listings", "signals"})
_HELD = frozenset({"desk", "positions"})
_MONEY = frozenset({"desk", "positions", "risk"})
_RISK = frozenset({"risk"})
_BOOKS = frozenset({"risk", "engine"})
_LISTED, _SET = frozenset({"listings"}), frozenset({"settings"})

KEYS: tuple[Key, ...] = (
    Key("desk", "1", "go('desk')", "Desk", "What opens next, signals, positions", KeyGroup.SCREENS),
    Key("listings", "2", "go('listings')", "Listings", "Every listing, what is known of it",
        KeyGroup.SCREENS),
    Key("signals", "3", "go('signals')", "Signals", "What the detectors say, and how sure", KeyGroup.SCREENS),
    Key("positions", "4", "go('positions')", "Positions", "Positions, exits, orders, market",
        KeyGroup.SCREENS),
    Key("risk", "5", "go('risk')", "Risk", "Trading state, limits, equity, figures", KeyGroup.SCREENS),
    Key("detectors", "6", "go('detectors')", "Detectors", "How often each was right", KeyGroup.SCREENS),
    Key("engine", "7", "go('engine')", "Engine", "Latency, weights, streams, costs", KeyGroup.SCREENS),
    Key("journal", "8", "go('journal')", "Journal", "What was written down, newest first", KeyGroup.SCREENS),
    Key("settings", "9", "go('settings')", "Settings", "Every setting", KeyGroup.SCREENS),
    Key("next", "tab", "app.focus_next", "Pane", "Go to the next pane, also one without room", KeyGroup.MOVE,
        foot=17),
    Key("before", "shift+tab", "app.focus_previous", "Pane before", "Go to the pane before", KeyGroup.MOVE),
    Key("up", "up,k", "move(-1)", "Up", "One row up", KeyGroup.MOVE, _TABLE),
    Key("down", "down,j", "move(1)", "Down", "One row down", KeyGroup.MOVE, _TABLE),
    Key("page_up", "pageup", "page(-1)", "Page up", "A page up", KeyGroup.MOVE, _TABLE),
    Key("page_down", "pagedown", "page(1)", "Page down", "A page down", KeyGroup.MOVE, _TABLE),
    Key("first", "home,g", "move(-1000000)", "First", "To the first row", KeyGroup.MOVE, _TABLE),
    Key("last", "end,G", "move(1000000)", "Last", "To the last row", KeyGroup.MOVE, _TABLE),
    Key("choose", "enter", "choose", "Details", "See more of a row", KeyGroup.VIEW, _TABLE),
    Key("filter", "slash", "filter", "Filter", "Rows with these words; !word: without",
        KeyGroup.FIND, foot=9),
    Key("clear", "escape", "clear_filter", "Clear", "Close details, show all panes and rows", KeyGroup.FIND,
        _FILTER),
    Key("sort", "s", "sort", "Sort", "Sort by the next column", KeyGroup.FIND, _TABLE, foot=12),
    Key("turn", "S", "turn", "Reverse", "Turn the order round", KeyGroup.FIND, _TABLE),
    Key("theme", "T", "next_theme", "Theme", "Put on the next colour theme", KeyGroup.VIEW, foot=16),
    Key("freeze", "p", "freeze", "Freeze", "Let the screen stand still, or go on; the engine goes on anyway",
        KeyGroup.VIEW, foot=13),
    Key("zoom", "z", "zoom", "Zoom", "Show one pane alone, or all of them", KeyGroup.VIEW, foot=12),
    Key("zone", "t", "zone", "UTC", "Times of day here and in UTC, or in UTC alone", KeyGroup.VIEW, foot=15),
    Key("happened", "m", "happened", "Happened", "What you did, what came of it, and alerts",
        KeyGroup.VIEW, foot=11),
    Key("copy", "y", "copy", "Copy", "Copy the row under the cursor", KeyGroup.TAKE, foot=10),
    Key("export", "e", "export('csv')", "Export", "Save the table as CSV", KeyGroup.TAKE, foot=14),
    Key("export_json", "E", "export('json')", "Export JSON", "Save the table as JSON, nothing rounded",
        KeyGroup.TAKE),
    Key("screenshot", "", "picture", "Screenshot", "Save the screen as an SVG picture", KeyGroup.TAKE),
    Key("halt", "h,H", "deed('halt')", "Halt", "Stop buying, at once; again: offer to resume",
        KeyGroup.STOP, foot=1, is_first=True, read_only_help="Stop buying, at once; resuming is not here"),
    Key("halt_now", "ctrl+x", "halt_now", "Halt", "The same, also while words are typed",
        KeyGroup.STOP, is_first=True),
    Key("reduce_only", "r", "deed('reduce_only')", "Reduce only", "Stop buying, at once; what is armed waits",
        KeyGroup.STOP),
    Key("disarm", "a", "deed('disarm')", "Disarm", "Take back what is armed for the pair, at once",
        KeyGroup.STOP, foot=7, boards=_PAIRS),
    Key("close", "D", "deed('close')", "Close", "Sell the position (asks)",
        KeyGroup.STOP, foot=5, boards=_HELD),
    Key("close_part", "P", "deed('close_part')", "Part", "Sell 25, 50 or 75 % of the position (asks)",
        KeyGroup.STOP, foot=6, boards=_HELD),
    Key("flatten", "X", "deed('flatten')", "Flatten", "Halt, cancel all orders, sell everything (asks)",
        KeyGroup.STOP, foot=5, boards=_MONEY),
    Key("kill", "K", "deed('kill')", "Emergency", "The same as an emergency: resuming takes a word (asks)",
        KeyGroup.STOP, foot=6, boards=_RISK),
    Key("lock", "", "deed('lock')", "Lock live", "Buy nothing live until a person unlocks it again, at once",
        KeyGroup.STOP),
    Key("unlock", "L", "deed('unlock')", "Live", "Unlock live trading by a phrase, or lock it again (asks)",
        KeyGroup.TRADE, foot=9, boards=_RISK, needs_operator=True),
    Key("arm", "A", "deed('arm')", "Arm", "Buy this pair at its opening (asks)",
        KeyGroup.TRADE, foot=4, boards=_PAIRS, needs_operator=True),
    Key("edit_exits", "M", "form('edit_exits')", "Exits", "Move the stop, the ladder, trailing, times (asks)",
        KeyGroup.TRADE, foot=7, boards=_HELD, needs_operator=True),
    Key("add_listing", "N", "form('add_listing')", "New", "Watch a listing that you know of",
        KeyGroup.TRADE, foot=8, boards=_LISTED, needs_operator=True),
    Key("drop_listing", "W", "form('drop_listing')", "Drop", "Watch this listing no more (asks)",
        KeyGroup.TRADE, foot=9, boards=_LISTED, needs_operator=True),
    Key("edit_setting", "C", "form('edit_setting')", "Change", "Another value for this setting (asks)",
        KeyGroup.TRADE, foot=3, boards=_SET, needs_operator=True),
    Key("undo_setting", "U", "deed('undo_setting')", "Undo", "Take back the last change of a setting (asks)",
        KeyGroup.TRADE, foot=4, boards=_SET, needs_operator=True),
    Key("resume", "R", "deed('resume')", "Resume", "Allow buying again (asks)",
        KeyGroup.TRADE, foot=8, boards=_MONEY, needs_operator=True),
    Key("reconcile", "B", "deed('reconcile')", "Books", "Compare our books with the exchange's now",
        KeyGroup.TRADE, foot=8, boards=_BOOKS, needs_operator=True),
    Key("help", "question_mark,f1", "help", "Help", "This screen and its keys", KeyGroup.HELP, foot=2),
    Key("palette", "ctrl+p,colon", "command_palette", "Commands", "An action by name", KeyGroup.HELP, foot=9),
    Key("welcome", "", "welcome", "Welcome", "The first page again", KeyGroup.HELP, needs_operator=True),
    Key("leave", "q,ctrl+q", "leave", "Leave", "Leave the screen; the engine goes on", KeyGroup.LIFE, foot=3),
    Key("stop_engine", "", "deed('stop_engine')", "Stop engine", "End it; its stops end with it (asks)",
        KeyGroup.LIFE, needs_operator=True),
)  # fmt: skip
BY_ID = {key.id: key for key in KEYS}


def bindings(scope: Scope) -> list[Binding]:
    """Return the keys of a scope as Textual binds them."""
    return [_binding(key) for key in KEYS if key.scope is scope and key.keys]


def scrolling() -> list[Binding]:
    """Return the keys of a table that make sense where there are only lines."""
    return [_binding(key) for key in KEYS if key.scope is Scope.TABLE and key.group is KeyGroup.MOVE]


def _binding(key: Key) -> Binding:
    return Binding(
        key.keys, key.action, key.name, show=False, id=key.id, tooltip=key.help, priority=key.is_first
    )


def allowed(*, may_operate: bool) -> tuple[Key, ...]:
    """Return the keys that a viewer has: a read-only screen does not even show the others."""
    return tuple(key for key in KEYS if may_operate or not key.needs_operator)


@dataclass(frozen=True, slots=True)
class Spot:
    """Words that stand for a key, which a click on them presses."""

    words: str
    key: str
    """In Textual's words."""


def footer(
    width: int, *, may_operate: bool, board: str = "", has_table: bool = True, hidden: int = 0
) -> list[Spot]:
    """Return a board's most wanted keys that fit into a line; what does not is left out from the end.

    `has_table`: keys of a table work. `hidden` panes are reached by one key alone: it comes early.
    """
    spots: list[Spot] = []
    here = [key for key in allowed(may_operate=may_operate) if not key.boards or board in key.boards]
    works = [key for key in here if key.foot and (has_table or key.scope is not Scope.TABLE)]
    for key in sorted(works, key=lambda key: _HIDDEN_FOOT if hidden and key.id == "next" else key.foot):
        name = f"+{many(hidden, 'pane')}" if hidden and key.id == "next" else key.name
        spot = Spot(f"{key.shown.split(' ')[0]} {name}", key.each[0])
        width -= cell_len(spot.words) + (len(BETWEEN) if spots else 0)
        if width < 0:
            break
        spots.append(spot)
    return spots


def footer_of_words(*, needs_enter: bool) -> list[Spot]:
    """Return the keys that are no letters, for a line in which words are typed."""
    halt = BY_ID["halt_now"]
    enter = [Spot("enter takes the words", "enter")] if needs_enter else []
    return [Spot(f"{halt.shown} {halt.name}", halt.keys), *enter, Spot("esc leaves them", "escape")]


def screens(board: str) -> list[Spot]:
    """Return the numbers of all screens, with a mark at the one of this board."""
    return [
        Spot(f"[{key.keys}]" if key.id == board else key.keys, key.keys)
        for key in KEYS
        if key.group is KeyGroup.SCREENS
    ]


def palette(*, may_operate: bool) -> list[tuple[str, str, str]]:
    """Return name, help and action of what can be done from anywhere."""
    return [
        (
            f"{key.name} ({key.shown})" if key.keys else key.name,
            key.says(may_operate=may_operate),
            key.action,
        )
        for key in allowed(may_operate=may_operate)
        if key.scope is Scope.EVERYWHERE and key.id != "palette"
    ]


def help_text(*, may_operate: bool) -> str:
    """Return all keys, group by group."""
    keys = allowed(may_operate=may_operate)
    blocks: list[str] = []
    for group in KeyGroup:
        lines = [
            f"  {key.shown:<12}{key.says(may_operate=may_operate)}"
            for key in keys
            if key.group is group and key.keys
        ]
        if lines:
            blocks.append("\n".join([group.value, *lines]))
    return "\n\n".join(blocks)
