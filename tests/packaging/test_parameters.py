"""More than three arguments are passed by keyword."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mexc_tui"
MOST = 3
CALLED_BY_POSITION = {
    "practice/matching/market.py": "a callback of the order book",
    "practice/matching/pairs.py": "a callback of the order book",
    "risk/entry_conditions.py": "rows of a table of checks with one signature",
    "risk/entry_limits.py": "rows of a table of checks with one signature",
    "sniping/sale_terms.py": "rows of a table by advice with one signature",
    "store/sqlite/store.py": "the connector of a thread",
    "tui/screens/listings.py": "drawing functions with one signature",
}
"""Modules with private functions that are called through a table or a callback."""


def _positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether click calls it, with an argument by keyword for each option."""
    return any(
        "click." in ast.unparse(one) or ".command(" in ast.unparse(one) for one in function.decorator_list
    )


def test_functions_have_at_most_three_positional_parameters() -> None:
    found = {
        f"{name}:{function.name}"
        for file in PACKAGE.rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        if len(_positional(function)) > MOST and not _is_command(function)
        if not (
            (name := file.relative_to(PACKAGE).as_posix()) in CALLED_BY_POSITION and function.name[0] == "_"
        )
    }
    assert found == set()
