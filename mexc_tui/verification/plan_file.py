"""Plans as JSON files. A reduced failing plan stays the same when plans are drawn differently."""

from pathlib import Path

import msgspec

from mexc_tui.model.errors import DeskError
from mexc_tui.verification.plan import RunPlan


class PlanUnreadable(DeskError):
    """A file is no plan of a fault run.

    Raised by `read_plan`. Save the plan again.
    """


def write_plan(folder: Path, plan: RunPlan) -> Path:
    """Save a plan as `seed-N.json`; return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{plan.seed}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
    return path


def read_plan(path: Path) -> RunPlan:
    """Read a saved plan. Raises PlanUnreadable, OSError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunPlan)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise PlanUnreadable(f"{path.name} is no plan of a fault run: {error}") from error
