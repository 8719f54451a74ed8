"""Shared fixtures: time limits of property tests, and folders with short names."""

import gc
import os
from pathlib import Path

import hypothesis
import pytest

PROPERTY_TIMEOUT_S = 120
COLLECT_AFTER_OBJECTS = 20_000

# A deadline measures this machine: a busy one would fail correct tests.
hypothesis.settings.register_profile("mexc-tui", deadline=None)
# Tracing makes each example several times slower; a few already take every branch that a property takes.
hypothesis.settings.register_profile("coverage", deadline=None, max_examples=5)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mexc-tui"))


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an empty folder with a short name: a socket path has at most 103 bytes."""
    return tmp_path_factory.mktemp("t")


def pytest_collection_finish() -> None:
    """Collect less often, and never scan modules and tests: tests of the app take a quarter less time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set a time limit for property tests without an explicit one."""
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(PROPERTY_TIMEOUT_S))
