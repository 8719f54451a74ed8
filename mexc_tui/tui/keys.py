"""Every key once: what it does, where, and what it is called.

Bindings, footer, palette and help are made from this table.

Not taken, because terminals and multiplexers take them: ctrl+a, ctrl+b, ctrl+s, ctrl+z, alt with anything.
"""

from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len
from textual.binding import Binding


class Scope(StrEnum):
    """Where a key works."""

    EVERYWHERE = "everywhere"
    TABLE = "in a table"
    FILTER = "while filtering"


class Group(StrEnum):
    """What a key is about; the order of the help."""

    SCREENS = "Screens"
    MOVE = "Move"
    FIND = "Find"
    VIEW = "View"
    HELP = "Help"
    LIFE = "Leave"


@dataclass(frozen=True, slots=True)
class Key:
    """One action: its keys in Textual's words, the first one shown; `id` is kept in a person's own keymap."""

    id: str
    keys: str
    action: str
    name: str
    """One or two words for the footer."""
    help: str
    group: Group
    scope: Scope = Scope.EVERYWHERE
    foot: int = 0
    """Place in the footer, 1 first; 0: not shown there."""
    needs_operator: bool = False
    """Not there for a viewer that only looks."""

    @property
    def shown(self) -> str:
        """Return the key as a person would say it."""
        return " ".join(_SAID.get(key, key) for key in self.keys.split(","))


_SAID = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "ctrl+p": "^p",
    "ctrl+q": "^q",
}

_TABLE, _FILTER = Scope.TABLE, Scope.FILTER

KEYS: tuple[Key, ...] = (
    Key("desk", "1", "go('desk')", "Desk", "What opens next, signals, positions", Group.SCREENS),
    Key("listings", "2", "go('listings')", "Listings", "Every listing, what is known of it", Group.SCREENS),
    Key("signals", "3", "go('signals')", "Signals", "What the detectors say, and how sure", Group.SCREENS),
    Key("positions", "4", "go('positions')", "Positions", "Positions, exits, orders, market", Group.SCREENS),
    Key("risk", "5", "go('risk')", "Risk", "Trading state, limits, equity, figures", Group.SCREENS),
    Key("detectors", "6", "go('detectors')", "Detectors", "How often each was right", Group.SCREENS),
    Key("engine", "7", "go('engine')", "Engine", "Latency, weights, streams, costs", Group.SCREENS),
    Key("journal", "8", "go('journal')", "Journal", "What was written down, newest first", Group.SCREENS),
    Key("settings", "9", "go('settings')", "Settings", "Every setting", Group.SCREENS),
    Key("next", "tab", "app.focus_next", "Pane", "Go to the next table", Group.MOVE, foot=5),
    Key("before", "shift+tab", "app.focus_previous", "Pane before", "Go to the table before", Group.MOVE),
    Key("up", "up,k", "move(-1)", "Up", "One row up", Group.MOVE, _TABLE),
    Key("down", "down,j", "move(1)", "Down", "One row down", Group.MOVE, _TABLE),
    Key("page_up", "pageup", "page(-1)", "Page up", "A page up", Group.MOVE, _TABLE),
    Key("page_down", "pagedown", "page(1)", "Page down", "A page down", Group.MOVE, _TABLE),
    Key("first", "home,g", "move(-1000000)", "First", "To the first row", Group.MOVE, _TABLE),
    Key("last", "end,G", "move(1000000)", "Last", "To the last row", Group.MOVE, _TABLE),
    Key("choose", "enter", "choose", "Details", "See more of a row", Group.VIEW, _TABLE),
    Key("filter", "slash", "filter", "Filter", "Rows with these words; !word: without", Group.FIND, foot=3),
    Key("clear", "escape", "clear_filter", "Clear", "Show all rows again", Group.FIND, _FILTER),
    Key("sort", "s", "sort", "Sort", "Sort by the next column", Group.FIND, _TABLE, foot=4),
    Key("turn", "S", "turn", "Reverse", "Turn the order round", Group.FIND, _TABLE),
    Key("theme", "T", "next_theme", "Theme", "Put on the next colour theme", Group.VIEW, foot=6),
    Key("help", "question_mark,f1", "help", "Help", "This screen and its keys", Group.HELP, foot=1),
    Key("palette", "ctrl+p,colon", "command_palette", "Commands", "An action by name", Group.HELP, foot=2),
    Key("leave", "q,ctrl+q", "leave", "Leave", "Leave the screen; the engine goes on", Group.LIFE, foot=7),
)  # fmt: skip


def bindings(scope: Scope) -> list[Binding]:
    """Return the keys of a scope as Textual binds them."""
    return [_binding(key) for key in KEYS if key.scope is scope]


def scrolling() -> list[Binding]:
    """Return the keys of a table that make sense where there are only lines."""
    return [_binding(key) for key in KEYS if key.scope is Scope.TABLE and key.group is Group.MOVE]


def _binding(key: Key) -> Binding:
    return Binding(key.keys, key.action, key.name, show=False, id=key.id, tooltip=key.help)


def allowed(*, may_operate: bool) -> tuple[Key, ...]:
    """Return the keys that a viewer has: one that only looks does not even see the others."""
    return tuple(key for key in KEYS if may_operate or not key.needs_operator)


def footer(width: int, *, may_operate: bool) -> str:
    """Return the most wanted keys in one line; what does not fit is left out from the end."""
    line = ""
    wanted = sorted((key for key in allowed(may_operate=may_operate) if key.foot), key=lambda key: key.foot)
    for key in wanted:
        longer = f"{line} {key.shown.split(' ')[0]} {key.name}  "
        if cell_len(longer.rstrip()) > width:
            break
        line = longer
    return line.strip()


def palette(*, may_operate: bool) -> list[tuple[str, str, str]]:
    """Return name, help and action of what can be done from anywhere."""
    return [
        (f"{key.name} ({key.shown})", key.help, key.action)
        for key in allowed(may_operate=may_operate)
        if key.scope is Scope.EVERYWHERE and key.id != "palette"
    ]


def help_text(*, may_operate: bool) -> str:
    """Return all keys, group by group."""
    keys = allowed(may_operate=may_operate)
    blocks: list[str] = []
    for group in Group:
        lines = [f"  {key.shown:<12}{key.help}" for key in keys if key.group is group]
        if lines:
            blocks.append("\n".join([group.value, *lines]))
    return "\n\n".join(blocks)
