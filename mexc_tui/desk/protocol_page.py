"""Generate the Markdown tables of roles, views and commands: `python -m mexc_tui.desk.protocol_page`."""

from typing import Any

import msgspec

from mexc_tui.desk import engine_requests, screen_requests, trading_requests, view_kinds
from mexc_tui.desk.api_types import CommandKind, ViewKind

MODULES = (engine_requests, trading_requests, screen_requests)
VIEWS: tuple[ViewKind[Any], ...] = (
    view_kinds.STATUS,
    view_kinds.LISTINGS,
    view_kinds.SIGNALS,
    trading_requests.SNIPES,
    trading_requests.ORDERS,
    trading_requests.POSITIONS,
    trading_requests.RISK,
)


def all_kinds() -> list[CommandKind[Any, Any]]:
    """Return every query and command, by name."""
    found: list[CommandKind[Any, Any]] = [
        value for module in MODULES for value in vars(module).values() if isinstance(value, CommandKind)
    ]
    return sorted(found, key=lambda kind: kind.name)


def protocol_page() -> str:
    """Return the views and the commands as Markdown tables."""
    kinds = all_kinds()
    views = [f"| `{view.name}` | `{view.row.__name__}` |" for view in VIEWS]
    queries = [_query(kind) for kind in kinds if not kind.changes_state]
    commands = [_command(kind) for kind in kinds if kind.changes_state]
    lines = ["| View | Row |", "|---|---|", *views, ""]
    lines += ["| Query | Arguments | Result |", "|---|---|---|", *queries, ""]
    lines += ["| Command | Arguments | Result | Role | Lowers risk |", "|---|---|---|---|---|", *commands]
    return "\n".join(lines) + "\n"


def _query(kind: CommandKind[Any, Any]) -> str:
    return f"| `{kind.name}` | {_arguments(kind)} | `{kind.result.__name__}` |"


def _command(kind: CommandKind[Any, Any]) -> str:
    lowers = "yes" if kind.reduces_risk else ""
    return f"| `{kind.name}` | {_arguments(kind)} | `{kind.result.__name__}` | {kind.role.value} | {lowers} |"


def _arguments(kind: CommandKind[Any, Any]) -> str:
    """Return the fields of the arguments; optional ones in brackets."""
    fields = msgspec.structs.fields(kind.args)
    return ", ".join(f"`{field.name}`" if field.required else f"[`{field.name}`]" for field in fields)


if __name__ == "__main__":
    print(protocol_page(), end="")  # noqa: T201 - prints the page
