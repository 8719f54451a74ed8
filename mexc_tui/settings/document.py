"""Writes docs/settings.md from the table: `python -m mexc_tui.settings.document > docs/settings.md`."""

import sys
from collections.abc import Iterator

from mexc_tui.settings.row import Setting
from mexc_tui.settings.table import ASCENDING, GROUPS, TABLE

HEAD = """# Settings

Written from the table in `mexc_tui/settings/` by `python -m mexc_tui.settings.document`; change it there.

Each setting has one name everywhere, and the strongest place that gives it a value wins:

1. a flag: `--set max_positions=5`;
2. a variable: `MEXC_TUI_MAX_POSITIONS=5`;
3. the file `$XDG_CONFIG_HOME/mexc-tui/settings.toml` (else `~/.config/mexc-tui/settings.toml`):
   `max_positions = 5`, all settings at the top, in no table;
4. in practice mode, what the scenario lends;
5. the default.

A wrong value, an unknown name or two values that contradict each other are refused with the name, the value,
what is allowed and where it came from, and then nothing of that reading is in force. The bounds are hard:
nothing goes beyond them. Lists are written as TOML arrays; in variables and flags with commas, or as JSON.

There is one file for all modes. A value of a group that *decides*, set by a command or on the screen in
practice or on paper, is noted in its line (`# set in practice`): live trading ignores it and says so, until
it is set live or the note is taken out by hand.

Secrets are never settings. A key or password in any of these places is refused by its name or its shape.

Settings can be read again while the engine runs. Those marked *restart* then wait for the next start; each
change is journalled either way. A signal and everything that follows from it carries a hash of the settings
in the groups marked *decides*.
"""


def document() -> str:
    """Return the whole page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield HEAD
    for group in GROUPS:
        yield f"\n## {group.title}{' (decides)' if group.decides else ''}\n\n{_first_line(group.__doc__)}\n\n"
        yield "| setting | default | allowed | unit | restart | meaning |\n|---|---|---|---|---|---|\n"
        for setting in TABLE.values():
            if setting.group == group.title:
                yield _line(setting)
    yield "\n## Settings that depend on each other\n\nNone may be above the one after it:\n\n"
    for names in ASCENDING:
        yield "- " + " ≤ ".join(f"`{name}`" for name in names) + "\n"
    yield "- `break_even_rung` ≤ the number of rungs of `ladder`\n"


def _line(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else "empty"
    restart = "restart" if setting.needs_restart else ""
    cells = (f"`{setting.name}`", default, setting.allowed, setting.unit, restart, setting.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]


if __name__ == "__main__":
    sys.stdout.write(document())
