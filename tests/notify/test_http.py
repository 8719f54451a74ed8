"""One request to a real server: status, deadline, redirects and texts of errors."""

import pytest

from mexc_tui.notify.http import DeliveryFailed, HttpSender
from mexc_tui.notify.messages import HttpMessage
from tests.support.notify_server import NotifyServer


def message(origin: str, path: str = "/canary-path") -> HttpMessage:
    return HttpMessage(f"{origin}{path}", b"{}", {"Content-Type": "application/json"})


async def test_a_status_2xx_is_a_success(server: NotifyServer) -> None:
    server.statuses = [204]
    async with HttpSender() as sender:
        await sender.send(message(server.origin))
    assert [one.path for one in server.received] == ["/canary-path"]


async def test_a_redirect_is_a_failure_and_not_followed(server: NotifyServer) -> None:
    server.statuses, server.answer_headers = [302], {"Location": f"{server.origin}/elsewhere"}
    async with HttpSender() as sender:
        with pytest.raises(DeliveryFailed, match="302"):
            await sender.send(message(server.origin))
    assert [one.path for one in server.received] == ["/canary-path"]


async def test_a_requested_pause_is_passed_on(server: NotifyServer) -> None:
    server.statuses, server.answer_headers = [429], {"Retry-After": "30"}
    async with HttpSender() as sender:
        with pytest.raises(DeliveryFailed) as caught:
            await sender.send(message(server.origin))
    assert caught.value.retry_after_s == 30


async def test_a_silent_server_fails_at_the_deadline(server: NotifyServer) -> None:
    server.is_silent = True
    async with HttpSender(deadline_s=0.05) as sender:
        with pytest.raises(DeliveryFailed, match="no response in time"):
            await sender.send(message(server.origin))


async def test_an_error_shows_no_address(server: NotifyServer) -> None:
    async with HttpSender() as sender:
        for origin in ("http://127.0.0.1:1", "http://not a host"):
            with pytest.raises(DeliveryFailed) as caught:
                await sender.send(message(origin))
            assert "canary" not in str(caught.value)
            assert caught.value.__cause__ is None
