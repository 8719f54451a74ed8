"""Run the command line as a user's shell does: processes with their own home folder."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes.command_server import run_command

RUN = [sys.executable, "-m", "mexc_tui"]


@dataclass
class Shell:
    """A user's shell with all files in one folder."""

    home: Path

    @property
    def environ(self) -> dict[str, str]:
        named = {"XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "XDG_RUNTIME_DIR": "run"}
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("MEXC_TUI", "XDG"))
        }
        return inherited | {name: str(self.home / folder) for name, folder in named.items()}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run_command(words, self.environ | more, self.home.parent)

    def json(self, *words: str) -> Any:
        result = self.run(*words, "--json")
        assert (result.returncode, result.stderr) == (0, "")
        return json.loads(result.stdout)

    def start(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen([*RUN, *words], env=self.environ | more, stderr=subprocess.PIPE, text=True)
