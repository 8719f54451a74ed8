"""Notifications of a whole engine: facts reach a server, also after a restart."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.app.notify_composition import STALE_MS, notify_policy, quiet_hours, unchecked_exits
from mexc_tui.host.keys.record import CredentialsError
from mexc_tui.model.notification import SecretName
from mexc_tui.model.severity import Severity
from mexc_tui.model.trading import Cause
from mexc_tui.notify.schedule import NotifyPolicy, QuietHours
from mexc_tui.settings.all_settings import Settings
from mexc_tui.settings.layers import file_layer
from mexc_tui.settings.load import Layers, SettingsError, load
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.open_position import EXITS_OFF, SYMBOL, components_of, until
from tests.support.engine.practice_day import DAY, HOST, OVERRIDES, PracticeDay, no_secret
from tests.support.notify_server import NotifyServer
from tests.support.samples.position_samples import position

NTFY_PORT = 8090
NTFY = f"http://{HOST}:{NTFY_PORT}"
WATCHED = {**OVERRIDES, **EXITS_OFF, "notify_channels": "ntfy", "notify_ntfy_url": NTFY}


def secret(profile: str, name: SecretName) -> str:
    return f"topic-of-{profile}"


def ping_address(profile: str, name: SecretName) -> str:
    return f"{NTFY}/ping"


async def watched_day(sim: Simulation, folder: Path, **settings: str) -> tuple[PracticeDay, NotifyServer]:
    """Return a day whose engines notify a server."""
    day = PracticeDay(sim, folder, msgspec.structs.replace(DAY, settings={**WATCHED, **settings}))
    day.channel_secret = secret
    server = NotifyServer()
    await sim.network.serve(HOST, NTFY_PORT, server.application())
    await day.open()
    return day, server


def titles(server: NotifyServer) -> list[str]:
    contents = [msgspec.json.decode(one.body, type=dict[str, object]) for one in server.received]
    return [str(content["title"]) for content in contents]


async def buy(running: RunningEngine) -> None:
    """Buy a listing by a manual snipe."""
    await asyncio.sleep(22)
    components = components_of(running)
    await components.arming.arm(SYMBOL, "ann")
    await until(lambda: bool(components.ledger.state.positions))
    await asyncio.sleep(1)


def test_start_fill_close_halt_and_stop_of_an_engine_reach_the_server(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day, server = await watched_day(sim, tmp_path)
        async with day.engine() as running:
            await buy(running)
            components = components_of(running)
            await components.safety.emergency_stop.stop_all("ann", "test", Cause.EMERGENCY)
            await until(lambda: not components.ledger.state.positions)
            await asyncio.sleep(1)
        found = titles(server)
        assert found[0] == "Engine started"
        assert found[-1] == "Engine stopped"
        for title in (
            f"Bought {SYMBOL}",
            f"Opened {SYMBOL}",
            f"Sold {SYMBOL}",
            f"Closed {SYMBOL}",
        ):
            assert title in found
        assert any(title.startswith("Emergency stop") for title in found)
        assert found.count(f"Opened {SYMBOL}") == found.count(f"Closed {SYMBOL}") == 1
        body = msgspec.json.decode(server.received[0].body, type=dict[str, object])
        assert body["topic"] == "topic-of-practice"

    simulate(main)


def test_what_a_dead_channel_missed_is_delivered_after_the_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day, server = await watched_day(sim, tmp_path)
        server.statuses = [503] * 1_000
        async with day.engine() as running:
            await buy(running)  # trading goes on
        server.statuses.clear()
        server.received.clear()
        async with day.engine() as running:
            await asyncio.sleep(30)
            found = titles(server)
        for title in ("Engine stopped", f"Bought {SYMBOL}", f"Opened {SYMBOL}"):
            assert found.count(title) == 1
        assert found.count("Engine started") == 2

    simulate(main)


def test_a_channel_without_a_secret_is_reported_and_the_engine_trades(tmp_path: Path) -> None:
    def refuse(profile: str, name: SecretName) -> str:
        if name is SecretName.NTFY:
            return secret(profile, name)
        raise CredentialsError("The keyring refused access.")

    async def main(sim: Simulation) -> None:
        day, server = await watched_day(sim, tmp_path, notify_channels="telegram, ntfy")
        day.channel_secret = refuse
        async with day.engine() as running:
            await buy(running)
            alerts = await running.store.read("alerts", lambda stored: stored.alerts.open())
        texts = {row.alert.about: row.alert.text for row in alerts if row.alert.rule == "notify:channel"}
        assert texts == {"telegram": "Channel telegram is not used. The keyring refused access."}
        assert "Channel failing" in titles(server)

    simulate(main)


def test_an_engine_without_channels_reads_no_secret_and_stores_nothing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day, server = await watched_day(sim, tmp_path, notify_channels="")
        asked: list[SecretName] = []

        def record(profile: str, name: SecretName) -> str:
            asked.append(name)
            return ""

        day.channel_secret = record
        async with day.engine() as running:
            await asyncio.sleep(1)
            position = await running.store.read("position", lambda stored: stored.notifications.position())
        assert (position, asked, server.received) == (None, [], [])

    simulate(main)


def with_settings(text: str) -> Settings:
    return load(Layers(file=file_layer(text, "settings.toml"))).settings


def test_default_settings_equal_the_defaults_of_the_policy() -> None:
    assert notify_policy(Settings.of()) == NotifyPolicy()


def test_the_policy_follows_the_settings() -> None:
    changed = with_settings(
        "notify_from = 'error'\nnotify_suppress_s = 1\nnotify_per_hour = 5\n"
        "notify_quiet_utc = '22:30-07:00'\n"
    )
    assert notify_policy(changed) == NotifyPolicy(
        from_severity=Severity.ERROR,
        suppress_ms=1_000,
        per_hour=5,
        quiet=QuietHours(start_minute=22 * 60 + 30, end_minute=7 * 60),
    )
    assert quiet_hours("") is None


@pytest.mark.parametrize(
    "line",
    [
        "notify_channels = ['pager']",
        "notify_from = 'loud'",
        "notify_quiet_utc = '22-07'",
        "notify_ntfy_url = 'http://ntfy.sh'",
        "notify_ntfy_url = 'https://user@ntfy.sh'",
        "notify_webhook_url = 'ftp://127.0.0.1'",
    ],
)
def test_wrong_settings_of_channels_are_refused(line: str) -> None:
    with pytest.raises(SettingsError):
        with_settings(line)


def test_the_dead_mans_check_is_pinged_until_the_engine_stops(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day, server = await watched_day(sim, tmp_path, notify_channels="", dead_man_s="10")
        day.channel_secret = ping_address
        async with day.engine() as running:
            await buy(running)
            assert len(server.received) >= 3
            assert {(one.path, one.body) for one in server.received} == {("/ping", b"")}
            resumed = len(server.received)
        await asyncio.sleep(60)
        assert len(server.received) == resumed

    simulate(main)


def test_failing_pings_and_a_missing_address_are_reported(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day, server = await watched_day(sim, tmp_path, notify_channels="", dead_man_s="10")
        day.channel_secret = ping_address
        server.statuses = [500] * 4
        async with day.engine() as running:
            await asyncio.sleep(25)
            alerts = await running.store.read("alerts", lambda stored: stored.alerts.open())
            (alert,) = [one.alert for one in alerts if one.alert.about == "dead man's check"]
            assert alert.text == "3 pings of the dead man's check failed. Refused with status 500."
            await asyncio.sleep(30)
            alerts = await running.store.read("alerts", lambda stored: stored.alerts.open())
            assert [one for one in alerts if one.alert.about == "dead man's check"] == []
        day.channel_secret = no_secret
        async with day.engine() as running:
            alerts = await running.store.read("alerts", lambda stored: stored.alerts.open())
            (alert,) = [one.alert for one in alerts if one.alert.about == "dead man's check"]
            assert "mexc-tui alerts secret dead-man" in alert.text

    simulate(main)


def test_a_position_whose_exits_are_not_checked_ends_the_pings() -> None:
    held = [position()]
    assert unchecked_exits(held, lambda _: 1_000_000 - STALE_MS, 1_000_000) == ""
    text = "the exits of NEWUSDT are not checked"
    assert unchecked_exits(held, lambda _: 1_000_000 - STALE_MS - 1, 1_000_000) == text
    assert unchecked_exits(held, lambda _: None, 1_000_000) == text
    assert unchecked_exits([], lambda _: None, 1_000_000) == ""
