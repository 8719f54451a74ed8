"""HTTP responses: JSON, refusals, limits, pages and responses damaged by faults (protocol 2.2, 6.3)."""

import asyncio
from collections.abc import Collection
from typing import cast

import msgspec
from aiohttp import web

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.limits import Block, LimitRejection
from mexc_tui.practice.rest.route import Json
from mexc_tui.practice.rest.web_pages import BLOCKED_PAGE
from mexc_tui.practice.scenario import FaultKind

_JSON = {"Content-Type": "application/json;charset=utf-8"}

_NAMES = {"symbol", "asset", "orderId", "id"}
"""Identifiers of a row."""

_BLOCKED = {
    Block.LIMITED: b'{"code":429,"msg":"Too many requests"}',
    Block.BANNED: b'{"code":418,"msg":"Too many requests, your IP is banned"}',
}


def answer(data: Json, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=msgspec.json.encode(data), status=status, headers=_JSON)


def refused(refusal: PracticeRefusal) -> web.Response:
    """Return a refusal; codes that are strings stay strings."""
    return answer({"msg": refusal.message, "code": refusal.code}, refusal.status)


def limit_rejected(rejection: LimitRejection) -> web.Response:
    """Return the response of the rate limiter or the firewall."""
    if rejection.block is Block.FIREWALL:
        return firewall()
    response = web.Response(body=_BLOCKED[rejection.block], status=rejection.block.value, headers=_JSON)
    if rejection.retry_after_s is not None:
        response.headers["Retry-After"] = str(rejection.retry_after_s)
    return response


def firewall() -> web.Response:
    """Return the firewall's page: HTML, without Retry-After."""
    return web.Response(text=BLOCKED_PAGE, status=403, content_type="text/html")


def internal_error() -> web.Response:
    """Return a 500 without details."""
    return answer({"code": 500, "msg": "Internal error"}, 500)


def denied(response: web.Response, kinds: Collection[FaultKind]) -> web.Response:
    """Return the response of a fault that denies what was executed; without one, `response`."""
    if FaultKind.EXECUTED_REFUSED in kinds:
        return answer({"code": 30004, "msg": "Insufficient position"}, 400)
    return internal_error() if FaultKind.EXECUTED_500 in kinds else response


def maintenance() -> web.Response:
    """Return the maintenance response."""
    return answer({"code": 503, "msg": "Under maintenance, please try again later"}, 503)


def not_found() -> web.Response:
    """Return the response for an unknown path."""
    return answer({"code": 404, "msg": "Not Found"}, 404)


def cut_off(request: web.Request) -> web.Response:
    """Break the connection; the returned response is never sent."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response(status=500)


def cut_in_half(request: web.Request, response: web.Response) -> web.Response:
    """Send the head and half of the body, then break the connection."""
    body = response.body if isinstance(response.body, bytes) else b""
    head = (
        f"HTTP/1.1 {response.status} OK\r\nContent-Type: application/json;charset=utf-8\r\n"
        f"Content-Length: {max(len(body), 2)}\r\n\r\n"
    )
    if isinstance(request.transport, asyncio.Transport):
        request.transport.write(head.encode("ascii") + body[: len(body) // 2])
    return cut_off(request)


def with_malformed_row(response: web.Response) -> web.Response:
    """Replace the values of a list's first row by null, except its identifiers.

    A response without a list is returned unchanged.
    """
    data: object = msgspec.json.decode(response.body) if isinstance(response.body, bytes) else None
    fields = cast("dict[str, object]", data) if isinstance(data, dict) else {"": data}
    lists = [cast("list[object]", value) for value in fields.values() if isinstance(value, list) and value]
    if not lists or not isinstance(lists[0][0], dict):
        return response
    row = cast("dict[str, object]", lists[0][0])
    row.update(dict.fromkeys(row.keys() - _NAMES))
    return answer(cast("Json", data), response.status)
