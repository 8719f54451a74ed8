"""The commands as a user runs them: real processes, real sockets."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)  # runs processes

RUN = [sys.executable, "-m", "mexc_tui"]


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *words], capture_output=True, text=True, timeout=50, check=False, cwd=cwd)


def test_exchange_prints_one_json_line_and_ends_with_0_on_sigterm() -> None:
    with subprocess.Popen(
        [*RUN, "exchange"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        endpoint = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
        assert process.wait() == 0
    assert set(endpoint) == {"rest", "ws", "web", "api_key", "api_secret", "exchange_session"}
    assert not endpoint["rest"].endswith("/api/v3")


def test_exchange_ends_with_its_parent() -> None:
    command = [*RUN, "exchange", "--with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait() == 0


def test_watch_starts_a_practice_exchange_and_shows_its_order_books() -> None:
    watched = run("watch", "BTCUSDT", "--for", "4", "--seed", "3")
    assert (watched.returncode, watched.stderr) == (0, "")
    last = watched.stdout.strip().splitlines()[-1].split()
    assert last[0] == "BTCUSDT"
    bid, ask = (float(text.replace(",", "")) for text in last[1:3])
    assert 0 < bid < ask


def test_a_reader_that_exits_early_causes_no_error() -> None:
    with subprocess.Popen(
        [*RUN, "watch", "BTCUSDT", "--for", "20"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_watch_uses_a_running_exchange(tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    with (
        file.open("w") as out,
        subprocess.Popen([*RUN, "exchange"], stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        out.write(line)
        out.flush()
        watched = run("watch", "ETHUSDT", "--for", "2", "--exchange", str(file))
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert watched.returncode == 0
    assert json.loads(line)["exchange_session"] in watched.stdout
    assert "ETHUSDT" in watched.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["exchange", "--scenario", "nowhere"], "No scenario 'nowhere'"),
        (["watch", "--scenario", "nowhere"], "No scenario 'nowhere'"),
        (["watch", "--exchange", "missing.json"], "Cannot read missing.json"),
        (["watch", "--mode", "sideways"], "'sideways' is not one of"),
        (["--mode", "live", "watch", "--exchange", "missing.json"], "Cannot read missing.json"),
        (["watch", "--profile", "No/Name"], "is not a profile name"),
        (["watch", "BTC USDT"], "is not a symbol"),
    ],
)
def test_wrong_arguments_get_one_clear_line(words: list[str], says: str, tmp_path: Path) -> None:
    refused = run(*words, cwd=tmp_path)
    assert refused.returncode != 0
    (line,) = refused.stderr.splitlines()
    assert line.startswith("mexc-tui: ")
    assert says in line
    assert "Traceback" not in refused.stderr


def test_watch_reports_an_unreachable_exchange(tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    closed = "http://127.0.0.1:9"
    file.write_text(json.dumps({"rest": closed, "ws": "ws://127.0.0.1:9/ws", "web": closed}))
    refused = run("watch", "--exchange", str(file))
    assert refused.returncode == 3
    (line,) = refused.stderr.splitlines()
    assert f"No response from {closed}" in line
    assert "no connection to the server" in line


def test_an_address_other_than_mexc_and_this_machine_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "exchange.json"
    ours = "http://127.0.0.1:9"
    file.write_text(json.dumps({"rest": ours, "ws": "wss://example.org/ws", "web": ours}))
    refused = run("watch", "--exchange", str(file))
    assert refused.returncode == 3
    (line,) = refused.stderr.splitlines()
    assert "example.org" in line


def test_version_imports_no_heavy_packages() -> None:
    program = (
        "import sys, mexc_tui.cli.main; print({'aiohttp', 'textual', 'google.protobuf'} & set(sys.modules))"
    )
    asked = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert asked.stdout.strip() == "set()"


def test_an_engine_query_imports_neither_http_nor_the_store() -> None:
    modules = "mexc_tui.cli.data_source, mexc_tui.cli.engine_access"
    program = f"import sys, {modules}; print({{'aiohttp', 'aiosqlite'}} & set(sys.modules))"
    asked = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert asked.stdout.strip() == "set()"
