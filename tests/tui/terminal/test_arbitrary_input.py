"""After any bytes from a terminal, one key still halts."""

from random import Random

import pytest

from tests.support.tui.desk_on_pty import desk_on_pty

pytestmark = pytest.mark.timeout(120)  # drives the app

NASTY = (
    b"\xe9",
    b"\x1b[M \x82\xd0",
    b"\x1b[200~never ended",
    b"\x1b[1114112u",
    b"\x1b[55296u",
    b"\x1b[97;;55296u",
    b"\x1b[" + b"9" * 9_000 + b"u",
    b"\x1b[<0;9000;9000M\x1b[<0;9000;9000m",
    b"\x1b[<35;0;0M",
    b"\x1b[<999999;5;5M",
    b"\x1b[48;0;0;0;0t",
    b"\x1b[?2048;1$y",
    b"\x1b]0;never ended",
    b"\x00\x00",
    b"\x1b",
    b"\x1b[I\x1b[O\x1b[O",
    "\u202e\u0301\ufffe\U000e0041".encode(),
)


async def test_after_any_bytes_the_halt_key_halts() -> None:
    async with desk_on_pty() as here:
        for data in NASTY:
            here.send(data)
            await here.pause()
            assert await here.halt_arrives(), data


async def test_after_a_storm_of_random_bytes_the_halt_key_halts() -> None:
    random = Random(12)
    letters = frozenset(b"qQmds:/?eEy\x10\x11\x0f")  # leave, pages, fields where letters are text, files
    async with desk_on_pty() as here:
        for _ in range(60):
            here.send(bytes(byte for byte in random.randbytes(900) if byte not in letters))
        await here.pause()
        here.send(b"\x1b")
        await here.pause()
        here.sent_commands()
        here.send(b"\x18")
        await here.until(lambda: "halt" in [name for name, _ in here.frozen.received])


async def test_a_failed_reader_is_restarted_and_reported_on_screen() -> None:
    async with desk_on_pty(fails_at="f12") as here:
        here.send(b"\x1b[24~h")
        await here.until(lambda: "Reading keys failed" in here.notes())
        await here.until(lambda: "halt" in here.sent_commands())
        assert "unexpected key" in here.notes()
        await here.pause()
        assert await here.halt_arrives()
