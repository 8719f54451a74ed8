"""Generate the Markdown tables of screens and keys: `python -m mexc_tui.tui.keys_page`."""

from mexc_tui.tui.keys import BY_ID, KEYS, Key, KeyGroup
from mexc_tui.tui.screens.registry import all_boards


def keys_page() -> str:
    """Return the screens and the keys as Markdown tables."""
    screens = [f"| `{BY_ID[board.name].shown}` | {board.title} | {board.help} |" for board in all_boards()]
    lines = ["| Key | Screen | Content |", "|---|---|---|", *screens, ""]
    lines += ["| Key | Action | Screens |", "|---|---|---|"]
    for group in KeyGroup:
        lines += [_line(key) for key in KEYS if key.group is group and group is not KeyGroup.SCREENS]
    return "\n".join(lines) + "\n"


def _line(key: Key) -> str:
    where = ", ".join(board.title for board in all_boards() if board.name in key.boards) or "all"
    label = f"`{key.shown}`" if key.keys else "by name"
    only = " Unavailable in read-only mode." if key.needs_operator else ""
    return f"| {label} | {key.help}.{only} | {where} |"


if __name__ == "__main__":
    print(keys_page(), end="")  # noqa: T201 - prints the page
