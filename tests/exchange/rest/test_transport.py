"""One request and its response, against faulty servers (reliability 2.1, 4.6)."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from mexc_tui.exchange.rest.connection import Headers, RawResponse
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.streams.socket import SocketEnded, SocketTimings, open_socket
from mexc_tui.model.errors import ExchangeError, NoResponse, NothingSent
from tests.support.exchange.certificates import BAD, server_context, verifying_connector, write_certificates
from tests.support.exchange.scripted_http_server import (
    Reply,
    ScriptedServer,
    endless,
    hang,
    http_response,
    reset,
    reset_after,
    scripted_server,
)

Connector = aiohttp.BaseConnector

KEY = Headers({"X-MEXC-APIKEY": "mx0vCANARY"})
OK = http_response("{}")


@asynccontextmanager
async def transport() -> AsyncGenerator[HttpTransport]:
    async with HttpTransport() as made:
        yield made


async def ask(
    sender: HttpTransport,
    origin: str,
    *,
    method: str = "GET",
    query: str = "signature=abc",
    deadline_s: float = 5.0,
    cap_bytes: int = 100_000,
) -> RawResponse:
    return await sender.send(
        method, origin, "/api/v3/x", query=query, headers=KEY, deadline_s=deadline_s, cap_bytes=cap_bytes
    )


async def failure(*replies: Reply, method: str = "POST", deadline_s: float = 5.0) -> ExchangeError:
    """Return the error that these replies cause."""
    async with scripted_server(*replies) as server, transport() as sender:
        with pytest.raises(ExchangeError) as caught:
            await ask(sender, server.origin, method=method, deadline_s=deadline_s)
        return caught.value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_the_query_is_sent_byte_for_byte() -> None:
    query = "a=%5B%7B%22x%22%7D%5D&b=%E5%B8%81%20%2B%2C%2F&c=~-._&d=%2e%2E&d=1&e=&signature=0a"
    async with scripted_server(OK) as server, transport() as sender:
        await ask(sender, server.origin, query=query)
        assert server.last.startswith(f"GET /api/v3/x?{query} HTTP/1.1\r\n")


async def test_requests_carry_host_key_and_an_empty_body() -> None:
    async with scripted_server(OK) as server, transport() as sender:
        for method in ("GET", "POST", "DELETE", "PUT"):
            await ask(sender, server.origin, method=method)
            lines = server.last.split("\r\n")
            assert f"Host: {server.origin.removeprefix('http://')}" in lines
            assert "X-MEXC-APIKEY: mx0vCANARY" in lines
            assert ("Content-Length: 0" in lines) is (method != "GET")
        assert server.connections == 1


@asynccontextmanager
async def transport_to(*replies: Reply) -> AsyncGenerator[tuple[HttpTransport, str]]:
    """Yield a transport and the origin of a server."""
    async with scripted_server(*replies) as server, transport() as sender:
        yield sender, server.origin


async def test_a_response_has_status_body_and_retry_after() -> None:
    async with transport_to(http_response("no", 429, kind="text/html", headers="Retry-After: 7\r\n")) as (
        sender,
        origin,
    ):
        assert await ask(sender, origin) == RawResponse(429, b"no", "text/html", 7.0)


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_an_invalid_retry_after_is_none(text: str) -> None:
    async with transport_to(http_response("", 429, headers=f"Retry-After: {text}\r\n")) as (sender, origin):
        assert (await ask(sender, origin)).retry_after_s is None


async def test_chunks_are_joined_and_interim_responses_skipped() -> None:
    reply = (
        b"HTTP/1.1 103 Early Hints\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    )
    async with scripted_server(reply) as server, transport() as sender:
        assert (await ask(sender, server.origin)).body == b"abcde"
        assert (await ask(sender, server.origin)).body == b"abcde"
        assert server.connections == 1


async def test_R1_a_refused_connection_sends_nothing() -> None:
    async with transport() as sender:
        with pytest.raises(NothingSent, match="no connection to the server"):
            await ask(sender, f"http://127.0.0.1:{free_port()}")


async def test_R1_an_unknown_host_sends_nothing() -> None:
    class NoNames(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            raise OSError(f"no such name: {host}")

        async def close(self) -> None:
            pass

    async with HttpTransport(aiohttp.TCPConnector(resolver=NoNames())) as sender:
        with pytest.raises(NothingSent, match="host name was not found"):
            await ask(sender, "http://nowhere.invalid")


async def test_R1_plain_text_on_a_tls_port_sends_nothing() -> None:
    async with scripted_server(OK) as server, transport() as sender:
        with pytest.raises(NothingSent) as caught:
            await ask(sender, server.origin.replace("http:", "https:"), deadline_s=0.2)
        assert "mx0vCANARY" not in str(caught.value)


async def test_R1_a_kept_alive_connection_closed_by_the_server_is_replaced_before_sending() -> None:
    closing = http_response("{}", headers="Connection: close\r\n")
    async with scripted_server(closing) as server, transport() as sender:
        await ask(sender, server.origin, method="POST")
        await ask(sender, server.origin, method="POST")
        assert server.connections == 2
        assert len(server.requests) == 2


@pytest.mark.parametrize("late", [False, True])
async def test_R7_an_unsolicited_response_is_not_taken_for_the_next_one(late: bool) -> None:
    requested, stray_sent = asyncio.Event(), asyncio.Event()

    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK if late else OK + http_response("stray"))
        if late:
            await requested.wait()
            writer.write(http_response("stray"))
        await writer.drain()
        stray_sent.set()

    async with scripted_server(chatter, http_response("mine")) as server, transport() as sender:
        assert (await ask(sender, server.origin)).body == b"{}"
        requested.set()
        await stray_sent.wait()
        for _ in range(5):  # let the stray bytes arrive
            await asyncio.sleep(0)
        assert (await ask(sender, server.origin)).body == b"mine"
        assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_R3_a_lost_response_is_an_error_and_no_method_is_sent_twice(method: str) -> None:
    async with scripted_server(OK, reset) as server, transport() as sender:
        await ask(sender, server.origin, method=method)
        with pytest.raises(NoResponse, match="broke"):
            await ask(sender, server.origin, method=method)
        assert len(server.requests) == 2


async def test_R2_a_timeout_after_sending_is_an_error() -> None:
    assert isinstance(await failure(hang(), deadline_s=0.05), NoResponse)


async def test_R12_a_response_that_drips_is_bounded_by_the_total_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.005)
        raise ConnectionResetError

    error = await failure(drip, deadline_s=0.1)
    assert isinstance(error, NoResponse)
    assert "no complete response within 0.1 s" in str(error)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
async def test_R7_half_a_response_is_an_error(start: bytes) -> None:
    assert isinstance(await failure(reset_after(start)), NoResponse)


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\x00\xff\x01" * 50 + b"\r\n\r\n",
        b"HTTP/1.1 abc X\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["another protocol", "noise", "no status", "negative length", "endless header", "no chunk size"],
)
async def test_R7_a_reply_that_is_not_http_is_an_error(reply: bytes) -> None:
    assert isinstance(await failure(reply, deadline_s=1.0), NoResponse)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_R8_a_redirect_is_refused_and_the_key_not_forwarded(status: int) -> None:
    async with scripted_server(OK) as thief, transport() as sender:
        away = http_response("", status, headers=f"Location: {thief.origin}/steal\r\n")
        async with scripted_server(away) as server:
            assert (await ask(sender, server.origin, method="POST")).status == status
            assert len(server.requests) == 1
        assert thief.requests == []
        assert thief.connections == 0


async def test_R11_a_body_declared_as_huge_is_not_read() -> None:
    error = await failure(
        http_response(b"")[:-5].replace(b"Content-Length", b"Old")
        + b"Content-Length: 300000000\r\n\r\n"
        + b"x" * 200_000
    )
    assert isinstance(error, NoResponse)
    assert "larger than 100000 bytes" in str(error)


@pytest.mark.parametrize(
    ("start", "chunk"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
    ],
    ids=["until closed", "chunked"],
)
async def test_R11_an_endless_body_is_cut_off(start: bytes, chunk: bytes) -> None:
    error = await failure(endless(start, chunk))
    assert isinstance(error, NoResponse)
    assert "larger than 100000 bytes" in str(error)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_R11_a_decompression_bomb_is_not_inflated(packing: str) -> None:
    plain = b"\x00" * 50_000_000
    bomb = gzip.compress(plain) if packing == "gzip" else zlib.compress(plain)
    error = await failure(http_response(bomb, headers=f"Content-Encoding: {packing}\r\n"))
    assert isinstance(error, NoResponse)
    assert "decompresses to more" in str(error)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "identity", ""])
async def test_a_response_compressed_without_request_is_decompressed(packing: str) -> None:
    plain = b'{"a":1}'
    packed = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}.get(packing, plain)
    async with transport_to(http_response(packed, headers=f"Content-Encoding: {packing}\r\n")) as (
        sender,
        origin,
    ):
        assert (await ask(sender, origin)).body == plain


@pytest.mark.parametrize(
    ("packing", "body"),
    [("gzip", b"not gzip"), ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-9]), ("br", b"x")],
)
async def test_R7_broken_or_unknown_compression_is_an_error(packing: str, body: bytes) -> None:
    assert isinstance(
        await failure(http_response(body, headers=f"Content-Encoding: {packing}\r\n")), NoResponse
    )


async def test_errors_name_method_and_path_and_no_secret() -> None:
    for error in [
        await failure(reset),
        await failure(b"junk\r\n\r\n"),
        await failure(hang(), deadline_s=0.05),
    ]:
        shown = f"{error} {error!r} {error.__cause__!r} {error.args!r}"
        assert "POST /api/v3/x" in shown
        assert "signature" not in shown
        assert "CANARY" not in shown
        assert error.__suppress_context__


async def test_a_cancelled_request_leaves_no_connection_behind() -> None:
    reached = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        assert await reader.read(1) == b""
        raise ConnectionResetError

    async with scripted_server(hold, OK) as server, transport() as sender:
        task = asyncio.create_task(ask(sender, server.origin))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ask(sender, server.origin)
        assert server.connections == 2


async def test_a_header_cannot_be_injected() -> None:
    with pytest.raises(ValueError, match="not allowed in a header"):
        Headers({"X-MEXC-APIKEY": "a\r\nX-Evil: 1"})
    assert "CANARY" not in repr(KEY)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificates(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def checked(
    folder: Path, name: str, *, trusted: bool
) -> AsyncGenerator[tuple[str, ScriptedServer, Connector]]:
    """Serve with the certificate of `name`; yield `localhost:PORT`, the server and a connector."""
    async with (
        scripted_server(OK, tls=server_context(folder, name)) as server,
        verifying_connector(folder, *([name] if trusted else [])) as connector,
    ):
        yield server.origin.removeprefix("https://"), server, connector


async def over_tls(folder: Path, name: str, *, trusted: bool) -> RawResponse:
    """Send a request to a server that presents the certificate of `name` under the name localhost."""
    async with (
        checked(folder, name, trusted=trusted) as (place, _, connector),
        HttpTransport(connector) as sender,
    ):
        return await ask(sender, f"https://{place}")


@pytest.mark.parametrize(("name", "trusted"), BAD)
async def test_R1_a_stream_trusts_no_bad_certificate_either(
    certificates: Path, name: str, trusted: bool
) -> None:
    async with (
        checked(certificates, name, trusted=trusted) as (place, server, connector),
        aiohttp.ClientSession(connector=connector) as session,
    ):
        with pytest.raises(SocketEnded, match="Certificate"):
            await open_socket(session, f"wss://{place}/ws?listenKey=CANARY", SocketTimings(), max_bytes=1024)
    assert server.requests == []


@pytest.mark.parametrize(("name", "trusted"), BAD)
async def test_R1_nothing_is_sent_to_a_server_with_a_bad_certificate(
    certificates: Path, name: str, trusted: bool
) -> None:
    with pytest.raises(NothingSent, match="certificate is invalid"):
        await over_tls(certificates, name, trusted=trusted)


async def test_a_valid_certificate_is_accepted(certificates: Path) -> None:
    assert (await over_tls(certificates, "localhost", trusted=True)).status == 200
