"""Wait until a headless engine reports that it is ready."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def ready_line(process: "subprocess.Popen[str]") -> str:
    """Return the engine's `Ready: …` line; lines of its log before it are passed over.

    Raises AssertionError with what it said if it ended first.
    """
    assert process.stderr is not None
    said = list[str]()
    for line in process.stderr:
        if line.startswith("Ready"):
            return line
        said.append(line)
    raise AssertionError(f"it ended before it was ready: {''.join(said)}")
