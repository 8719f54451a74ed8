"""Measures the exchange's endpoints and evaluates the measurements. A failed endpoint stops no other one."""

import asyncio
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.endpoints import LoadedKey
from mexc_tui.app.key_check import check_key
from mexc_tui.doctor.check import Check, fail, ok, warn
from mexc_tui.doctor.exchange_checks import check_announcements, check_clock, check_latency, check_weights
from mexc_tui.doctor.isolation import isolated
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.origins import OriginRefused
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import MEXC_WEB, WebSite
from mexc_tui.exchange.streams.socket import SocketEnded
from mexc_tui.exchange.streams.stream_probe import stream_round_trip_ms
from mexc_tui.host.paths import Paths
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import ExchangeError, WebUnavailable
from mexc_tui.model.view import BudgetRow, LaneRow
from mexc_tui.ports.clock import Clock

SAMPLES = 5
CHECK_NETWORK = "Check network, firewall and DNS of this machine."


@dataclass(frozen=True, slots=True)
class ExchangeAccess:
    """Exchange of a profile and the key of live trading; `key` None: no key is checked."""

    endpoint: Endpoint
    key: LoadedKey | None
    paths: Paths
    clock: Clock


async def probe_exchange(access: ExchangeAccess, budget: BudgetRow | None) -> list[Check]:
    """Check clock, endpoints, request weights, announcements and key.

    `budget`: usage reported by the running engine; None: that of these checks. During a ban nothing is sent,
    because requests during a ban extend it.
    """
    endpoint, clock = access.endpoint, access.clock
    ban = BanFile(access.paths.state, endpoint.rest).read(clock.now_ms())
    if ban is not None:
        text = (
            f"The exchange blocks this address: {ban.kind.value}, {ban.left_s:.0f} s left. Nothing was sent."
        )
        return [fail("exchange", text, "Wait: requests during a ban extend it.")]
    async with MexcClient(endpoint.rest, clock=clock, rng=Random()) as client:
        rest = await isolated("rest", _rest(client, access))
        announcements = await isolated("announcements", _announcements(client, clock))
        used = budget or _budget(client)
    others = await asyncio.gather(
        isolated("websocket", _stream(endpoint)), isolated("web", _web(endpoint, clock)), _key(access)
    )
    return [*rest, *others[0], *others[1], check_weights(used), *announcements, *others[2]]


async def _rest(client: MexcClient, access: ExchangeAccess) -> list[Check]:
    host = host_of(access.endpoint.rest)
    measured = await client.measure_clock(SAMPLES)
    found = client.offset.estimate(access.clock.monotonic_ns())
    if measured.best is None or found is None:
        return [fail("rest", f"{host}: {measured.first_failure}", CHECK_NETWORK)]
    latency = check_latency("rest", host, measured.best.round_trip_ms)
    return [check_clock(found.offset_ms, found.error_ms), latency]


async def _stream(endpoint: Endpoint) -> list[Check]:
    host = host_of(endpoint.ws)
    try:
        took_ms = await stream_round_trip_ms(endpoint.ws)
    except (SocketEnded, OriginRefused) as error:
        return [fail("websocket", f"{host}: {error}", CHECK_NETWORK)]
    return [check_latency("websocket", host, took_ms)]


async def _web(endpoint: Endpoint, clock: Clock) -> list[Check]:
    origins = MEXC_WEB if endpoint.web in MEXC_WEB else (endpoint.web,)
    began_ns = clock.monotonic_ns()
    async with HttpTransport() as transport:
        try:
            calendar = await WebSite(transport, clock, origins).calendar()
        except WebUnavailable as error:
            fix = "Optional: listings are also found through REST. Try another network."
            return [warn("web", f"The calendar of listings cannot be read. {error}", fix)]
    took_ms = (clock.monotonic_ns() - began_ns) / 1e6
    return [
        ok("web", f"{host_of(calendar.origin)} lists {len(calendar.entries)} openings ({took_ms:.0f} ms).")
    ]


async def _announcements(client: MexcClient, clock: Clock) -> list[Check]:
    try:
        found = await client.market.announcements(limit=50)
    except ExchangeError as error:
        return [
            warn("announcements", f"They cannot be read: {error}", "Read them on the site of the exchange.")
        ]
    return [check_announcements(found, clock.now_ms())]


async def _key(access: ExchangeAccess) -> list[Check]:
    key = access.key
    if key is None:
        return []

    async def check() -> list[Check]:
        try:
            checked = await check_key(access.endpoint.rest, key.credentials, key.expiry)
        except ExchangeError as error:
            return [fail("key rights", str(error), "mexc-tui keys check")]
        text = " ".join(checked.words)
        if not checked.is_fit:
            return [
                fail("key rights", text, "Create a key with the rights in docs/live.md: mexc-tui keys set")
            ]
        return [ok("key rights", text)]

    return await isolated("key rights", check())


def _budget(client: MexcClient) -> BudgetRow:
    state = client.budget.state()
    lanes = tuple(
        LaneRow(
            name=lane.name.value,
            used=lane.used,
            limit=lane.limit.limit,
            window_s=lane.limit.window_s,
        )
        for lane in state.lanes
    )
    return BudgetRow(lanes=lanes, ban="" if state.ban is None else state.ban.kind.value)


def host_of(url: str) -> str:
    """Return the host of a URL, with its port if it names one."""
    return urlsplit(url).netloc.rpartition("@")[2]
