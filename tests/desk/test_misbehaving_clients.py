"""A misbehaving viewer affects no other."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import tracemalloc
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from mexc_tui.desk import server, viewer, wire
from mexc_tui.desk.api_types import CommandOutcome, FrontEndError, Role, SocketInUse
from mexc_tui.desk.private_socket import DeskSocket, Peer
from mexc_tui.desk.wire import (
    MAX_FRAME,
    CommandMessage,
    Follow,
    Hello,
    ProtocolError,
    RefusedMessage,
    Subscribe,
    Welcome,
    frame,
    from_engine,
    from_viewer,
    raw,
    read_frame,
)
from tests.support.desk_server import (
    BUY,
    COUNT,
    HALT,
    OWN_UID,
    QUOTES,
    STOP,
    Amount,
    Engine,
    Quote,
    client_of,
    running_client,
    serving_engine,
    until,
)

HELLO = Hello(protocol=1, role=Role.OPERATE, who="stranger")
GOOD = [
    frame(HELLO),
    frame(Subscribe(view="quotes")),
    frame(Follow(after=0)),
    frame(CommandMessage(id="12345678", name="count", at_ms=1, until_ms=2**50, args=raw({"of": 1}))),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.sock"


async def response_to(path: Path, *sent: bytes) -> list[wire.EngineMessage]:
    """Send bytes and return all messages until the engine closes the connection."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.writelines(sent)
    said: list[wire.EngineMessage] = []
    try:
        while True:
            said.append(from_engine(await read_frame(reader)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return said
    finally:
        writer.close()


def last_words(said: list[wire.EngineMessage]) -> str:
    assert isinstance(said[-1], RefusedMessage)
    return said[-1].words


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def is_served(path: Path, engine: Engine) -> None:
    """Whether another viewer is served normally."""
    client = client_of(path)
    mirror = client.mirror(QUOTES)
    async with running_client(client):
        engine.quotes.put("AUSDT", Quote(engine.quotes.version))
        await until(lambda: mirror.version == engine.quotes.version)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "A frame of"),
        ((MAX_FRAME + 1).to_bytes(4, "big"), "at most|are allowed"),
        (b"\0\0\0\0", "are allowed"),
        (b"\0\0\0\x02{}", "Not a message"),
        (b"\0\0\0\x04\xff\xfe\xfd\xfc", "Not a message"),
        (frame(Subscribe(view="quotes")), "first message must be a hello"),
        (frame(Hello(protocol=99, role=Role.VIEW, who="future")), "front end 99"),
    ],
)
async def test_an_invalid_hello_is_refused_with_a_reason(path: Path, sent: bytes, words: str) -> None:
    async with serving_engine(path) as engine:
        said = await response_to(path, sent)
        assert len(said) == 1
        assert any(word in last_words(said) for word in words.split("|"))
        await is_served(path, engine)


async def test_garbage_after_the_hello_ends_only_that_viewer(path: Path) -> None:
    async with serving_engine(path) as engine:
        said = await response_to(path, frame(HELLO), b"\0\0\0\x0a" + b"[" * 10)
        assert isinstance(said[0], Welcome)
        assert "Not a message" in last_words(said)
        await is_served(path, engine)
        await until(lambda: not engine.server.viewers)


@pytest.mark.parametrize("sent", [[b"\0"], [frame(HELLO), b"\0\0\x01\0half"]])
async def test_a_slowly_arriving_frame_times_out(
    path: Path, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "FRAME_S", 0.05)
    async with serving_engine(path) as engine:
        assert "in time" in last_words(await response_to(path, *sent))
        await is_served(path, engine)


async def test_a_connection_without_a_hello_times_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HELLO_S", 0.05)
    async with serving_engine(path):
        assert "No hello" in last_words(await response_to(path))


async def test_an_unknown_view_or_event_is_refused_and_the_viewer_stays_connected(path: Path) -> None:
    async with serving_engine(path) as engine:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(frame(HELLO) + frame(Subscribe(view="orders")) + frame(Follow(after=9)) + frame(HELLO))
        said = [from_engine(await read_frame(reader)) for _ in range(4)]
        assert [one.about for one in said if isinstance(one, RefusedMessage)] == ["orders", "facts", "hello"]
        assert len(engine.server.viewers) == 1
        writer.close()


def test_20000_mutated_frames_are_messages_or_refused() -> None:
    rng = Random(7)
    bodies = [good[4:] for good in GOOD]
    good = bad = 0
    for _ in range(20_000):
        body = bytearray(rng.choice(bodies))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            match rng.randrange(4):
                case 0:
                    body[at] = rng.randrange(256)
                case 1:
                    del body[at:]
                case 2:
                    body[at:at] = rng.randbytes(rng.randint(1, 8))
                case _:
                    body[at:at] = rng.choice(
                        [b"[" * 2_000, b'{"a":' * 2_000, b"9" * 400, b"-", b"1e999", b"null"]
                    )
            if not body:
                break
        try:
            from_viewer(bytes(body))
            good += 1
        except ProtocolError:
            bad += 1
    assert good > 100
    assert bad > 10_000


async def test_mutated_streams_leave_the_desk_serving(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FRAME_S", 0.02)
    monkeypatch.setattr(server, "HELLO_S", 0.02)
    rng = Random(8)
    async with serving_engine(path) as engine:
        for _ in range(150):
            sent = bytearray(b"".join(rng.sample(GOOD, len(GOOD))))
            sent[rng.randrange(len(sent))] = rng.randrange(256)
            _, writer = await asyncio.open_unix_connection(path)
            writer.write(GOOD[0] + bytes(sent))
            await asyncio.sleep(0)
            writer.transport.abort()
        await is_served(path, engine)
        await until(lambda: not engine.server.viewers)


STOPPED = """
import asyncio, sys
from pathlib import Path
from mexc_tui.desk.api_types import Role
from tests.support.desk_server import QUOTES, client_of, running_client
async def main():
    client = client_of(Path(sys.argv[1]), Role.VIEW)
    mirror = client.mirror(QUOTES)
    client.follow(0, lambda fact: print("fact", fact.sequence, flush=True))
    mirror.on_change(lambda keys: print("version", mirror.version, flush=True))
    async with running_client(client):
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_M10_a_stopped_viewer_costs_little_and_is_current_when_it_continues(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mexc_tui.desk.viewer.UPDATE_INTERVAL_S", 0.0)  # a minute of updates at full speed
    async with serving_engine(path) as engine:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STOPPED, str(path), stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        other = client_of(path)
        mirror = other.mirror(QUOTES)
        lines: list[bytes] = []

        async def read() -> None:
            assert process.stdout is not None
            while line := await process.stdout.readline():
                lines.append(line)

        reading = asyncio.create_task(read())
        try:
            engine.quotes.put("AUSDT", Quote(0))
            await until(lambda: b"version 1\n" in lines)
            os.kill(process.pid, signal.SIGSTOP)
            stopped = engine.server.viewers[0]
            async with running_client(other):
                for number in range(400):
                    engine.quotes.put(f"{number}USDT", Quote(0, "x" * 200))
                await until(lambda: mirror.version == engine.quotes.version)
                settled = 0
                tracemalloc.start()
                for turn in range(1, 61):
                    for number in range(400):
                        engine.quotes.put(f"{number}USDT", Quote(turn, "y" * 200))
                    engine.fact()
                    await until(lambda: mirror.version == engine.quotes.version)
                    assert stopped.waiting_bytes < 128_000
                    if turn == 20:
                        settled, _ = tracemalloc.get_traced_memory()
                grown, _ = tracemalloc.get_traced_memory()
                tracemalloc.stop()
                assert grown - settled < 128_000
            os.kill(process.pid, signal.SIGCONT)
            newest = b"version %d\n" % engine.quotes.version
            await until(lambda: newest in lines, of_s=10)
            await until(lambda: b"fact 60\n" in lines, of_s=10)
            told = [line for line in lines if line.startswith(b"fact")]
            assert told == [b"fact %d\n" % number for number in range(1, 61)]
        finally:
            process.kill()
            await process.wait()
            await reading


async def test_another_user_is_refused_before_the_hello(path: Path) -> None:
    def stranger(connection: socket.socket) -> Peer:
        return Peer(OWN_UID + 1, 1)

    async with serving_engine(path, peer=stranger):
        assert last_words(await response_to(path)) == "This desk belongs to another user."


async def test_a_viewer_beyond_the_limit_is_refused_with_a_reason(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_VIEWERS", 1)
    async with serving_engine(path) as engine, running_client(client_of(path)):
        await until(lambda: len(engine.server.viewers) == 1)
        for watching in (Subscribe(view="quotes"), Follow(after=0)):
            assert "Close a client" in last_words(await response_to(path, frame(HELLO), frame(watching)))
        await until(lambda: len(engine.server.viewers) == 1)


@pytest.mark.parametrize("role", [Role.OPERATE, Role.VIEW])
async def test_full_slots_do_not_block_risk_reducing_commands(path: Path, role: Role) -> None:
    async with serving_engine(path) as engine, AsyncExitStack() as viewers:
        for number in range(server.MAX_VIEWERS):
            client = client_of(path, who=f"viewer {number}")
            client.mirror(QUOTES)
            await viewers.enter_async_context(running_client(client))
        await until(lambda: len(engine.server.viewers) == server.MAX_VIEWERS)
        late = client_of(path, role)
        async with running_client(late):
            halted = await late.send(HALT, Amount(7), deadline_s=5)
            assert halted.outcome is CommandOutcome.DONE
            for kind in (BUY, COUNT):
                assert "Close a client" in (await late.send(kind, Amount(1), deadline_s=5)).message
            stopped = await late.send(STOP, Amount(8), deadline_s=5)
            assert stopped.outcome is (
                CommandOutcome.DONE if role is Role.OPERATE else CommandOutcome.REFUSED
            )
        assert 7 in engine.bought
        assert 1 not in engine.bought


async def test_a_silent_viewer_loses_its_reserved_slot(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_VIEWERS", 0)
    monkeypatch.setattr(server, "RESERVED", 1)
    monkeypatch.setattr(viewer, "RESERVED_SILENCE_S", 0.05)
    async with serving_engine(path) as engine:
        engine.may_continue.clear()
        busy = client_of(path)
        async with running_client(busy):
            giving = asyncio.create_task(busy.send(HALT, Amount(3), deadline_s=20))
            await until(lambda: len(engine.server.viewers) == 1)
            assert "Close a client" in last_words(await response_to(path, frame(HELLO)))
            engine.may_continue.set()
            assert (await giving).outcome is CommandOutcome.DONE
        assert "not completed in time" in last_words(await response_to(path, frame(HELLO)))
        await until(lambda: not engine.server.viewers)


async def test_a_burst_of_silent_connections_blocks_no_viewer(path: Path) -> None:
    async with serving_engine(path) as engine:
        burst = [await asyncio.open_unix_connection(path) for _ in range(server.MAX_HANDSHAKES + 20)]
        await is_served(path, engine)
        assert len(engine.server._handshakes) <= server.MAX_HANDSHAKES  # pyright: ignore[reportPrivateUsage]
        for _, writer in burst:
            writer.close()


async def test_many_connections_may_queue_before_the_first_is_accepted(path: Path) -> None:
    async with serving_engine(path) as engine:
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(300)]
        for one in waiting:  # the engine's loop accepts none of them meanwhile
            one.setblocking(False)
            assert one.connect_ex(str(path)) == 0
        for one in waiting:
            one.close()
        await is_served(path, engine)


async def test_the_socket_is_private_for_any_umask_and_removed_after_the_engine(path: Path) -> None:
    before = os.umask(0)
    try:
        async with serving_engine(path):
            assert mode_of(path) == 0o600
            assert mode_of(path.with_name("desk.sock.lock")) == 0o600
    finally:
        os.umask(before)
    assert path.name not in os.listdir(path.parent)


async def test_a_socket_in_use_is_never_replaced(path: Path) -> None:
    async with serving_engine(path) as engine:
        with pytest.raises(SocketInUse, match="attach to it"):
            DeskSocket(path)
        await is_served(path, engine)


def test_a_socket_in_use_without_a_lock_is_not_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen(0)
        with pytest.raises(SocketInUse):
            DeskSocket(path)
    assert path.exists()


async def test_the_socket_of_a_dead_engine_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen(1)
    async with serving_engine(path) as engine:
        await is_served(path, engine)


def test_a_file_that_is_not_a_socket_is_not_removed(path: Path) -> None:
    path.write_text("dear diary")
    with pytest.raises(FrontEndError, match="is not a socket"):
        DeskSocket(path)
    assert path.read_text() == "dear diary"
