"""What all tests share: property tests have no deadline for an example, and folders have short names."""

from pathlib import Path

import hypothesis
import pytest

# A deadline is a time measured on this machine: a busy one would fail tests that are right.
hypothesis.settings.register_profile("mexc-tui", deadline=None)
hypothesis.settings.load_profile("mexc-tui")


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with a short name: the path of a socket in it may have 103 bytes."""
    return tmp_path_factory.mktemp("t")
