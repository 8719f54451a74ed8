"""The manual of the practice exchange describes every field of a scenario."""

import re
from pathlib import Path

import msgspec
import pytest

from mexc_tui.practice import scenario

MANUAL = (Path(__file__).parents[2] / "docs" / "practice.md").read_text("utf-8")
NAMED = set(re.findall(r"`([a-z0-9_]+)`", MANUAL))
PARTS = [
    scenario.Scenario,
    scenario.Knobs,
    scenario.AccountPlan,
    scenario.MarketPlan,
    scenario.ListingPlan,
    scenario.FaultPlan,
]


@pytest.mark.parametrize("part", PARTS)
def test_manual_names_every_field(part: type[msgspec.Struct]) -> None:
    assert [field.name for field in msgspec.structs.fields(part) if field.name not in NAMED] == []


def test_manual_names_every_fault_and_shape() -> None:
    kinds = [*scenario.FaultKind, *scenario.ListingShape, *scenario.MarketPolicy]
    assert [kind.value for kind in kinds if kind.value not in NAMED] == []


def test_the_example_in_the_manual_is_a_scenario() -> None:
    example = re.search(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    assert example is not None
    assert scenario.parse(example.group(1), "manual").faults[0].kind is scenario.FaultKind.EXECUTED_500
