"""The metrics over real sockets and in a real file. No client and no error of a page ends the server."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mexc_tui.desk.private_socket import DeskSocket
from mexc_tui.metrics.http_server import HEAD_BYTES, MOST_CONNECTIONS, MetricsServer
from mexc_tui.metrics.text_file import MetricsFile, replace_file

PAGE = "a_metric 1\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def page() -> str:
    return PAGE


async def failing() -> str:
    raise RuntimeError("no rows")


class Served:
    """A server on a Unix socket and on a port."""

    def __init__(self, path: Path, port: int) -> None:
        self.path, self.port = path, port

    async def ask(self, request: bytes, *, on_port: bool = False) -> bytes:
        opening: Awaitable[Streams] = (
            asyncio.open_connection("127.0.0.1", self.port)
            if on_port
            else asyncio.open_unix_connection(str(self.path))
        )
        reader, writer = await opening
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[[Callable[[], Awaitable[str]]], Awaitable[Served]]]:
    servers = list[MetricsServer]()

    async def serve(content: Callable[[], Awaitable[str]]) -> Served:
        server = MetricsServer(content)
        servers.append(server)
        await server.open_socket(DeskSocket(tmp_path / "m.sock"))
        return Served(tmp_path / "m.sock", await server.open_port(0))

    yield serve
    for server in servers:
        await server.close()


Make = Callable[[Callable[[], Awaitable[str]]], Awaitable[Served]]


def get(path: str = "/metrics", *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", *headers, "", "")).encode()


async def test_the_page_is_served_on_a_private_socket_and_on_loopback(make: Make) -> None:
    served = await make(page)
    assert served.path.stat().st_mode & 0o777 == 0o600
    for on_port in (False, True):
        answer = await served.ask(get("/metrics", f"Host: 127.0.0.1:{served.port}"), on_port=on_port)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body.decode() == PAGE
    assert (await served.ask(get(method="HEAD"))).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/"), b"404"),
        (get("/metrics?x=1"), b"200"),
        (get(method="POST"), b"405"),
        (get("/metrics", "Host: evil.example"), b"403"),
        (get("/metrics", "host: 10.0.0.1:80"), b"403"),
        (get("/metrics", "Host: localhost:9187"), b"200"),
        (get("/metrics", "Host: [::1]:9187"), b"200"),
        (b"\xff\xfe nonsense\r\n\r\n", b"404"),
    ],
)
async def test_only_a_local_get_of_the_page_is_answered(
    make: Make, request_bytes: bytes, status: bytes
) -> None:
    answer = await (await make(page)).ask(request_bytes)
    assert answer.split(b" ")[1] == status


async def test_a_page_that_fails_is_an_error_response_without_its_text(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    served = await make(failing)
    answer = await served.ask(get())
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"no rows" not in answer
    assert "the metrics could not be collected" in caplog.text


async def test_silent_and_endless_clients_do_not_block_the_others(make: Make) -> None:
    served = await make(page)
    silent = [await asyncio.open_unix_connection(str(served.path)) for _ in range(MOST_CONNECTIONS - 1)]
    assert (await served.ask(b"GET /" + b"x" * 10 * HEAD_BYTES)) == b""
    assert (await served.ask(get())).startswith(b"HTTP/1.1 200")
    for _, writer in silent:
        writer.close()


async def test_a_port_in_use_is_an_error_for_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = MetricsServer(page)
        with pytest.raises(OSError, match="in use"):
            await server.open_port(taken.getsockname()[1])


async def test_the_file_is_replaced_at_once_and_removed_at_the_end(tmp_path: Path) -> None:
    written = asyncio.Event()

    async def counted() -> str:
        if (tmp_path / "m.prom").exists():
            written.set()
        return PAGE

    writing = asyncio.create_task(MetricsFile(tmp_path / "m.prom", counted, lambda: 0.001).run())
    async with asyncio.timeout(10):
        await written.wait()
    assert (tmp_path / "m.prom").read_text() == PAGE
    assert (tmp_path / "m.prom").stat().st_mode & 0o777 == 0o640
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_an_unwritable_file_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    file = MetricsFile(tmp_path / "missing" / "m.prom", page, lambda: 1.0)
    for _ in range(3):
        await file.write()
    assert caplog.text.count("metrics were not written") == 1
    (tmp_path / "missing").mkdir()
    await file.write()
    assert (tmp_path / "missing" / "m.prom").read_text() == PAGE


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / f".m.prom.{os.getpid()}").symlink_to(victim)
    with pytest.raises(OSError, match=r"symbolic link|many levels"):
        replace_file(tmp_path / "m.prom", "x")
    assert victim.read_text() == "precious"
