"""Plans survive a file unchanged."""

from pathlib import Path

import pytest

from mexc_tui.verification.golden import GOLDEN
from mexc_tui.verification.plan import RunPlan, draw
from mexc_tui.verification.plan_file import PlanUnreadable, read_plan, write_plan


@pytest.mark.parametrize("plan", [draw(3), draw(12), GOLDEN["kill"]], ids=["3", "12", "kill"])
def test_a_plan_is_read_as_it_was_written(tmp_path: Path, plan: RunPlan) -> None:
    assert read_plan(write_plan(tmp_path / "plans", plan)) == plan


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"seed": "x"}'])
def test_a_file_that_is_no_plan_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(PlanUnreadable, match=r"plan\.json is no plan"):
        read_plan(path)
