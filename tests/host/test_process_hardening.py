"""A process with a key writes no core file."""

import subprocess
import sys

import pytest

LOOK = """
import ctypes, resource
from mexc_tui.host.process_hardening import forbid_core_dumps
forbid_core_dumps()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone hides a process from its own user")
def test_core_files_and_access_by_other_processes_are_disabled() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.split() == ["(0,", "0)", "0"]
