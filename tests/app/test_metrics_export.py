"""A running engine offers its metrics, whatever happens to one of the ways to read them."""

import socket
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from subprocess import Popen

import pytest

from mexc_tui.app.desk_composition import metrics_options
from mexc_tui.metrics.exporter import MetricsOptions, metrics_socket
from mexc_tui.settings.all_settings import Settings
from mexc_tui.settings.layers import file_layer
from mexc_tui.settings.load import Layers, SettingsError, load
from tests.metrics.parsed import parsed
from tests.support.processes.engine_and_exchange import DeskProcesses, desk, start_command, stop_engine

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["desk"]


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def read(path: Path) -> str:
    connection = UnixConnection(path)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.read().decode()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def started(desk: DeskProcesses, *settings: str) -> Popen[str]:
    words = [word for setting in settings for word in ("--set", setting)]
    engine = start_command(desk.folder, "--headless", "--exchange", str(desk.file), *words)
    assert engine.stderr is not None
    said = list[str]()
    while "Ready" not in "".join(said):
        said.append(engine.stderr.readline())
        assert said[-1], said
    return engine


def test_socket_port_and_file_show_the_same_metrics_and_end_with_the_engine(desk: DeskProcesses) -> None:
    file = desk.folder / "mexc.prom"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = started(desk, f"metrics_port={port}", f"metrics_file={file}", "metrics_file_s=1")
    path = metrics_socket(desk.folder / "r" / "mexc-tui" / "practice.sock")
    try:
        on_socket = parsed(read(path))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            on_port = parsed(answer.read().decode())
        assert on_socket.keys() == on_port.keys() >= {"mexc_tui_info", "mexc_tui_equity"}
        assert parsed(file.read_text()).keys() >= {"mexc_tui_info"}
    finally:
        stop_engine(engine)
    assert engine.returncode == 0
    assert not path.exists()
    assert not file.exists()


def test_a_taken_port_and_an_unwritable_file_do_not_stop_the_engine(
    desk: DeskProcesses, taken_port: int
) -> None:
    engine = started(desk, f"metrics_port={taken_port}", "metrics_file=/nowhere/at/all.prom")
    try:
        text = read(metrics_socket(desk.folder / "r" / "mexc-tui" / "practice.sock"))
        assert parsed(text)["mexc_tui_info"].series
    finally:
        stop_engine(engine)
    assert engine.returncode == 0


def test_the_options_follow_the_settings() -> None:
    assert metrics_options(Settings.of()) == MetricsOptions()
    text = 'metrics_port = 9187\nmetrics_file = "/var/lib/x.prom"\nmetrics_file_s = 5\n'
    changed = load(Layers(file=file_layer(text, "settings.toml"))).settings
    assert metrics_options(changed) == MetricsOptions(9187, "/var/lib/x.prom", 5.0)


def test_a_long_path_is_no_secret_and_a_key_in_its_place_is() -> None:
    path = "/var/lib/prometheus/node_exporter/textfile/mexc.prom"
    assert (
        load(Layers(file=file_layer(f'metrics_file = "{path}"\n', "settings.toml"))).settings.metrics_file
        == path
    )
    for text in ("x.prom", "mx0vglABCDEFGH12", "/" + "0123456789abcdef" * 2):
        with pytest.raises(SettingsError, match="metrics_file") as refused:
            load(Layers(file=file_layer(f'metrics_file = "{text}"\n', "settings.toml")))
        assert len(text) < 10 or text not in str(refused.value)
