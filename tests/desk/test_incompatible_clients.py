"""Clients and engines of different releases or users."""

import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from mexc_tui.desk import connection
from mexc_tui.desk.api_types import (
    CommandKind,
    CommandOutcome,
    FrontEndError,
    NoEngine,
    ViewerRefused,
    ViewKind,
)
from mexc_tui.desk.private_socket import Peer
from mexc_tui.desk.single_request import fetch_view, send_command
from tests.support.desk_server import BUY, COUNT, QUOTES, Amount, Quote, now_ms, serving_engine


class Other(msgspec.Struct, frozen=True):
    """Argument and row type of another release."""

    pieces: int


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.sock"


async def test_an_engine_of_another_release_is_named_with_the_next_step(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PROTOCOL", 2)
    async with serving_engine(path):
        with pytest.raises(ViewerRefused, match=r"front end 2\. Run both from the same release"):
            await asyncio.to_thread(fetch_view, path, QUOTES, who="cli", deadline_s=5)


async def test_a_response_of_another_release_is_rejected(path: Path) -> None:
    kind = CommandKind("count", Amount, Other, changes_state=False)
    async with serving_engine(path):
        with pytest.raises(FrontEndError, match=r"response to count .* Run both from the same release"):
            await asyncio.to_thread(
                send_command, path, kind, Amount(1), who="cli", now_ms=now_ms(), deadline_s=5
            )


async def test_rows_of_another_release_are_rejected(path: Path) -> None:
    async with serving_engine(path) as engine:
        engine.quotes.put("AUSDT", Quote(1))
        with pytest.raises(FrontEndError, match="Run both from the same release"):
            await asyncio.to_thread(fetch_view, path, ViewKind("quotes", Other), who="cli", deadline_s=5)


async def test_an_unknown_command_is_refused_with_the_list_of_known_ones(path: Path) -> None:
    kind = CommandKind("fly", Amount, Amount)
    async with serving_engine(path) as engine:
        reply = await asyncio.to_thread(
            send_command, path, kind, Amount(1), who="cli", now_ms=now_ms(), deadline_s=5
        )
        assert reply.outcome is CommandOutcome.REFUSED
        assert "Unknown command 'fly'. Known commands: buy, count, halt, stop." in reply.message
        assert engine.bought == []


def test_connecting_to_a_dead_engine_names_the_command_to_start_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    words = "Connection refused.* Start one with: mexc-tui --headless --profile mine"
    with pytest.raises(NoEngine, match=words):
        fetch_view(path, QUOTES, who="cli", deadline_s=5)


async def test_nothing_is_sent_to_an_engine_of_another_user(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stranger(_: socket.socket) -> Peer:
        return Peer(uid=4_000_000_000, pid=1)

    monkeypatch.setattr(connection, "peer_of", stranger)
    async with serving_engine(path) as engine:
        for kind in (BUY, COUNT):
            with pytest.raises(ViewerRefused, match="belongs to another user"):
                await asyncio.to_thread(
                    send_command, path, kind, Amount(1), who="cli", now_ms=now_ms(), deadline_s=5
                )
        assert engine.bought == []
