"""What all tests share: property tests have no deadline for an example, and more time than others."""

import hypothesis
import pytest

PROPERTY_TIMEOUT_S = 120

# A deadline is a time measured on this machine: a busy one would fail tests that are right.
hypothesis.settings.register_profile("mexc-tui", deadline=None)
hypothesis.settings.load_profile("mexc-tui")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a property test time for all its examples, unless it says how long it may take."""
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(PROPERTY_TIMEOUT_S))
