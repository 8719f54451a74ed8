"""The tree of errors: every error of the package is a DeskError and is drawn in `model/errors.py`."""

import builtins
import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import mexc_tui
from mexc_tui.model import errors
from mexc_tui.model.errors import DeskError

MODULES = [
    module.name
    for module in pkgutil.walk_packages(mexc_tui.__path__, "mexc_tui.")
    if module.name != "mexc_tui.__main__"
]


def errors_of_the_package() -> list[type[BaseException]]:
    return [
        found
        for name in MODULES
        for found in vars(import_module(name)).values()
        if inspect.isclass(found) and issubclass(found, Exception) and found.__module__ == name
    ]


PACKAGE = Path(mexc_tui.__path__[0])
ERRORS = errors_of_the_package()
PUBLIC = [one for one in ERRORS if not one.__name__.startswith("_")]


def drawn_parents() -> dict[str, tuple[str, bool, str]]:
    """Return for each error of the drawing its parent, whether it is a ValueError, and its module."""
    drawn: dict[str, tuple[str, bool, str]] = {}
    above: list[tuple[str, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"( *)[*x] (\w+)( \(ValueError\))?(?: +(\S+)\.py)?", line)
        if found is None:
            continue
        depth = len(found[1]) // 2
        del above[depth:]
        parent, module = above[-1] if above else ("", "model/errors")
        module = found[4] or ("model/errors" if parent == "DeskError" else module)
        assert found[2] not in drawn
        drawn[found[2]] = parent, found[3] is not None, module
        above.append((found[2], module))
    return drawn


def test_every_error_of_the_package_is_a_desk_error() -> None:
    assert [one.__name__ for one in ERRORS if not issubclass(one, DeskError)] == []


def test_the_drawn_tree_is_the_tree() -> None:
    real = {
        one.__name__: (
            "" if one is DeskError else one.__bases__[0].__name__,
            ValueError in one.__bases__,
            one.__module__.removeprefix("mexc_tui.").replace(".", "/"),
        )
        for one in PUBLIC
    }
    assert drawn_parents() == real
    assert len(real) == len(PUBLIC)


@pytest.mark.parametrize(
    "error", [one for one in ERRORS if one is not DeskError], ids=lambda one: one.__name__
)
def test_an_error_states_who_raises_it(error: type[BaseException]) -> None:
    assert re.search(r"\n\s*(Raised|Reported) ", error.__doc__ or "")


NAMED = re.compile(r"\bRaises ((?:[A-Z]\w+(?:, or |, | or | and )?)+)")
OF_LIBRARIES = {"CancelledError", "IncompleteReadError", "ValidationError", "UsageError", "SkipAction"}


@pytest.mark.parametrize("package", sorted({name.split(".")[1] for name in MODULES}))
def test_docstrings_name_errors_that_exist(package: str) -> None:
    known = {one.__name__ for one in ERRORS} | set(dir(builtins)) | OF_LIBRARIES
    texts = [file.read_text("utf-8") for file in (PACKAGE / package).rglob("*.py")]
    named = {
        name for text in texts for found in NAMED.findall(text) for name in re.findall(r"[A-Z]\w+", found)
    }
    assert named - known == set()
