"""Run the command line in forked children of one preloaded process: dozens of runs a second.

A child's standard streams are created as a new interpreter creates them from these descriptors.
"""

import atexit
import contextlib
import gc
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import mexc_tui.app
import mexc_tui.cli

CLOSED = "closed"


@dataclass(frozen=True)
class RunResult:
    """The result of one run."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Return the lines written to standard error."""
        return self.err.splitlines()


@dataclass
class CommandServer:
    """A process with the program loaded, used as a context manager."""

    folder: Path
    process: "subprocess.Popen[str] | None" = field(default=None, init=False)

    def __enter__(self) -> "CommandServer":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.processes.command_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.communicate(timeout=20)

    def run(
        self,
        arguments: Sequence[str | bytes],
        environ: Mapping[str, str],
        *,
        stdin: str = os.devnull,
        stdout: str = "",
        stderr: str = "",
        encoding: str = "utf-8",
    ) -> RunResult:
        """Run a command in `folder`; streams are paths, `CLOSED`, or empty to return the written text."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        out, err = self.folder / "out", self.folder / "err"
        for file in (out, err):
            file.write_text("")
        request = {
            "arguments": [os.fsdecode(argument) for argument in arguments],
            "environ": dict(environ),
            "streams": [stdin, stdout or str(out), stderr or str(err)],
            "encoding": encoding,
            "folder": str(self.folder),
        }
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return RunResult(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))


def run_command(
    words: Sequence[str], environ: Mapping[str, str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end, without a terminal, in a fork that takes a tenth of an interpreter's start.

    Its output passes through two files in `folder`, which is also its working directory.
    """
    server = _shared_server()
    server.folder = folder
    try:
        result = server.run(words, environ)
    except BaseException:
        _shared_server.cache_clear()  # a test that timed out leaves its result unread
        raise
    return subprocess.CompletedProcess(list(words), result.code, result.out, result.err)


@cache
def _shared_server() -> CommandServer:
    server = CommandServer(Path())
    server.__enter__()
    atexit.register(server.__exit__)
    return server


def _child(request: dict[str, Any]) -> None:
    import traceback

    from mexc_tui.cli.main import main

    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    sys.argv = ["mexc-tui", *request["arguments"]]
    for number, place in enumerate(request["streams"]):
        os.close(number)
        if place != CLOSED:
            streams = os.open(place, os.O_RDONLY if not number else os.O_WRONLY)
            if streams != number:
                os.dup2(streams, number)
                os.close(streams)
    sys.stdin, sys.stdout, sys.stderr = (  # type: ignore[assignment]
        None
        if place == CLOSED
        else open(number, "w" if number else "r", encoding=request["encoding"], closefd=False)  # noqa: SIM115
        for number, place in enumerate(request["streams"])
    )
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        code = 1
        with contextlib.suppress(Exception):
            traceback.print_exc()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # pyright: ignore[reportUnnecessaryComparison] - it may be closed
                stream.flush()
    except OSError:
        code = 120
    os._exit(code)


def _serve() -> None:
    for package in (mexc_tui.app, mexc_tui.cli):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page of the modules
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _child(request)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
