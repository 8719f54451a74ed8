"""Wait until a headless engine reports that it is ready."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def ready_line(process: "subprocess.Popen[str]") -> str:
    """Return the engine's `Ready: …` line; skip log lines before it.

    Raises AssertionError with the output if the engine ends first.
    """
    assert process.stderr is not None
    output = list[str]()
    for line in process.stderr:
        if line.startswith("Ready"):
            return line
        output.append(line)
    raise AssertionError(f"the engine ended before it was ready: {''.join(output)}")
