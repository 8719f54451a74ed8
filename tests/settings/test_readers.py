"""Every setting has a reader."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mexc_tui
from mexc_tui.settings.all_settings import TABLE

ROOT = Path(mexc_tui.__file__).parent
HOLDERS = ("settings", "current", "mode_settings")
"""Names of variables, attributes and functions of type `Settings`."""


def _settings_read_by(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=holder, attr=name) if _name(holder).lstrip("_") in HOLDERS:
                yield name
            case ast.Compare(left=ast.Attribute(attr="name"), comparators=[names]):
                # A front end reads a setting from the rows of the desk API.
                yield from (str(one.value) for one in ast.walk(names) if isinstance(one, ast.Constant))
            case _:
                pass


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _name(function)
        case _:
            return ""


def _read() -> set[str]:
    files = (path for path in ROOT.rglob("*.py") if path.parent != ROOT / "settings")
    return {name for path in files for name in _settings_read_by(path.read_text("utf-8"))}


def test_every_setting_is_read_outside_the_settings_package() -> None:
    assert sorted(TABLE.keys() - _read()) == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("settings.one", ["one"]),
        ("self._settings().one", ["one"]),
        ("live.current.one", ["one"]),
        ("row.name in ('one', 'two')", ["one", "two"]),
        ("other.one; {'one': 1}", []),
    ],
)
def test_readers_are_settings_attributes_and_row_names(source: str, names: list[str]) -> None:
    assert list(_settings_read_by(source)) == names
