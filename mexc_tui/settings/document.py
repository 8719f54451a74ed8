"""Write docs/settings.md from the table: `python -m mexc_tui.settings.document > docs/settings.md`."""

import sys
from collections.abc import Iterator

from mexc_tui.settings.all_settings import ASCENDING, GROUPS, TABLE
from mexc_tui.settings.declaration import Setting

HEAD = """# Settings

Generated from the table in `mexc_tui/settings/` by `python -m mexc_tui.settings.document`.

Each setting has one name everywhere. The first of these sources that has a value wins:

1. a flag: `--set max_positions=5`;
2. an environment variable: `MEXC_TUI_MAX_POSITIONS=5`;
3. the file `$XDG_CONFIG_HOME/mexc-tui/settings.toml` (by default `~/.config/mexc-tui/settings.toml`):
   the section of the mode, then the top level;
4. in practice mode, the scenario's overrides;
5. the default.

An invalid value, an unknown name or two contradicting values are refused with name, value, allowed range and
source, and no value is applied. Bounds cannot be overridden. Lists are TOML arrays; in variables and flags
they are separated by commas, or JSON.

There is one file for all modes. Its top level applies to every mode; a section `[practice]`, `[paper]` or
`[live]` applies to one mode, above the top level:

```toml
max_positions = 2

[practice]
max_positions = 5
```

A command or the screen writes a setting of a group marked *trading* into the section of the mode in use, and
the others at the top level: a change in practice never reaches live trading. `--default` removes a value from
the section; if the top level has one, it writes the default into the section. Lines that version 0.2 marked
with `# set in practice` or `# set in paper` are read as values of that section; the next change moves them.

Secrets are never settings. A key or password in any of these sources is refused, recognised by its name or
its format.

Settings can be reloaded while the engine runs. Those marked *restart* take effect at the next start; each
change is written to the journal. Signals, snipes and orders carry a hash of the settings in the groups marked
*trading*.
"""


def document() -> str:
    """Return the whole page."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield HEAD
    for group in GROUPS:
        yield f"\n## {group.title}{' (trading)' if group.decides else ''}\n\n{_first_line(group.__doc__)}\n\n"
        yield "| setting | default | allowed | unit | restart | meaning |\n|---|---|---|---|---|---|\n"
        for setting in TABLE.values():
            if setting.group == group.title:
                yield _line(setting)
    yield "\n## Settings that depend on each other\n\nNo value may be above the next one:\n\n"
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
