"""Deliberate defects of the order path, installed before anything of the package is imported."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mexc_tui.verification.plan import RunPlan

PACKAGE = Path(__file__).parents[2] / "mexc_tui"
SAVED = Path(__file__).parent / "regressions"


@dataclass(frozen=True, slots=True)
class Seed:
    """The plan that a seed draws."""

    number: int

    def plan(self) -> "RunPlan":
        """Return the plan."""
        from mexc_tui.verification.plan import draw

        return draw(self.number)


@dataclass(frozen=True, slots=True)
class Golden:
    """A golden scenario, with a crash at its n-th port call unless 0."""

    name: str
    at_call: int = 0
    is_after: bool = False

    def plan(self) -> "RunPlan":
        """Return the plan."""
        from mexc_tui.verification.campaign import CrashPoint
        from mexc_tui.verification.golden import GOLDEN
        from mexc_tui.verification.plan import CrashPlan

        if not self.at_call:
            return GOLDEN[self.name]
        return CrashPoint(self.name, CrashPlan(self.at_call, is_after=self.is_after)).plan()


@dataclass(frozen=True, slots=True)
class Saved:
    """The saved plan of a regression."""

    name: str

    def plan(self) -> "RunPlan":
        """Return the plan."""
        from mexc_tui.verification.plan_file import read_plan

        return read_plan(SAVED / f"{self.name}.json")


Catcher = Seed | Golden | Saved


def violation_of(catcher: Catcher) -> str:
    """Play a plan; return the first violation, empty: none. An exception that ends the run is one."""
    from mexc_tui.verification.run import play

    try:
        violations = play(catcher.plan()).violations
    except Exception as error:
        return f"the run ended with {error!r}"
    return violations[0] if violations else ""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: `old` occurs exactly once in `module` and becomes `new`."""

    name: str
    module: str
    """Dotted, below `mexc_tui`."""
    old: str
    new: str
    found_by: Catcher | None = None
    """A plan that finds it; None: none is known yet."""
    also: "tuple[Mutant, ...]" = ()
    """Further changes that belong to the same defect."""

    @property
    def path(self) -> Path:
        """Return the file of the module."""
        return PACKAGE / (self.module.replace(".", "/") + ".py")

    def sources(self) -> dict[Path, str]:
        """Return each changed source. Raises ValueError if a piece does not occur exactly once."""
        changed: dict[Path, str] = {}
        for each in (self, *self.also):
            text = changed.get(each.path) or each.path.read_text("utf-8")
            if text.count(each.old) != 1:
                raise ValueError(f"{self.name}: {text.count(each.old)} places in {each.module}: {each.old}")
            changed[each.path] = text.replace(each.old, each.new)
        return changed


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: Path, text: str) -> None:
        super().__init__(name, str(path))
        self._text = text

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        return compile(self._text, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, changed: dict[Path, str]) -> None:
        self._changed = changed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        file = PACKAGE.parent / (fullname.replace(".", "/") + ".py")
        if file not in self._changed:
            return None
        return importlib.util.spec_from_loader(fullname, _Loader(fullname, file, self._changed[file]))


def install(mutant: Mutant) -> None:
    """Import the mutant instead of the module. Call it before anything of the package is imported."""
    if any(name.startswith("mexc_tui") for name in sys.modules):
        raise RuntimeError("the package is imported already")
    sys.meta_path.insert(0, _Finder(mutant.sources()))
