"""Clients at a real socket: same rows, commands executed once, recovery after a lost connection."""

import asyncio
import threading
from pathlib import Path
from random import Random

import pytest

from mexc_tui.desk.api_types import CommandKind, CommandOutcome, EngineSilent, NoEngine, Role, ViewKind
from mexc_tui.desk.client import Link
from mexc_tui.desk.command_executor import AuditEntry, CommandSender, ReceivedCommand
from mexc_tui.desk.single_request import fetch_view, send_command
from mexc_tui.desk.wire import CommandMessage, raw
from mexc_tui.model.event import Fact
from mexc_tui.model.storage import StorageFull
from tests.support.desk_server import (
    BUY,
    COUNT,
    HALT,
    QUOTES,
    STOP,
    Amount,
    MemoryAudit,
    MemoryJournal,
    Quote,
    client_of,
    now_ms,
    running_client,
    serving_engine,
    until,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.sock"


async def test_two_viewers_receive_the_same_rows_and_both_may_send_commands(path: Path) -> None:
    async with serving_engine(path) as engine:
        engine.quotes.put("AUSDT", Quote(1))
        one, two = client_of(path, who="one"), client_of(path, who="two")
        mirrors = [one.mirror(QUOTES), two.mirror(QUOTES)]
        async with running_client(one), running_client(two):
            await until(lambda: all(mirror.is_complete for mirror in mirrors))
            engine.quotes.put("BUSDT", Quote(2))
            engine.quotes.drop("AUSDT")
            await until(lambda: all(dict(mirror.rows) == {"BUSDT": Quote(2)} for mirror in mirrors))
            for client in (one, two):
                assert (await client.send(BUY, Amount(3), deadline_s=5)).message == "3 bought."
        assert engine.senders == ["one", "two"]
        assert [command.sender.who for command, _ in engine.audit.rows.values()] == ["one", "two"]


async def test_I13_a_mirror_equals_the_engine_after_lost_connections(path: Path) -> None:
    rng = Random(5)
    async with serving_engine(path) as engine:
        client = client_of(path)
        mirror = client.mirror(QUOTES)
        async with running_client(client):
            for _ in range(8):
                for _ in range(200):
                    key = f"{rng.randrange(400)}USDT"
                    if rng.random() < 0.2:
                        engine.quotes.drop(key)
                    else:
                        engine.quotes.put(key, Quote(rng.randrange(9), "x" * rng.randrange(400)))
                    if rng.random() < 0.1:
                        await asyncio.sleep(0)
                if rng.random() < 0.5 and client._connection:  # pyright: ignore[reportPrivateUsage]
                    client._connection.close()  # pyright: ignore[reportPrivateUsage]
                await until(lambda: client.state.link is Link.CONNECTED)
            await until(lambda: mirror.version == engine.quotes.version)
            assert dict(mirror.rows) == dict(engine.quotes.rows)


async def test_events_arrive_once_in_order_and_without_gaps_across_an_engine_restart(path: Path) -> None:
    journal, heard = MemoryJournal(), list[Fact]()
    for _ in range(700):
        journal.add()
    client = client_of(path)
    client.follow(100, heard.append)
    async with running_client(client):
        async with serving_engine(path, journal=journal) as engine:
            await until(lambda: len(heard) >= 300)
            for _ in range(300):
                engine.fact()
            await until(lambda: len(heard) == 900)
        await until(lambda: client.state.link is Link.DISCONNECTED)
        journal.add()
        async with serving_engine(path, journal=journal, name="two") as engine:
            engine.fact()
            await until(lambda: len(heard) == 902)
    assert [fact.sequence for fact in heard] == list(range(101, 1003))
    assert heard == journal.facts[100:]


async def test_new_events_are_those_since_the_first_connection_also_after_a_journal_reset(
    path: Path,
) -> None:
    journal, heard = MemoryJournal(), list[Fact]()
    for _ in range(300):
        journal.add()
    client = client_of(path)
    client.follow_new_events(heard.append)
    async with running_client(client):
        async with serving_engine(path, journal=journal) as engine:
            await until(lambda: client.state.link is Link.CONNECTED)
            engine.fact()
            await until(lambda: [fact.sequence for fact in heard] == [301])
        await until(lambda: client.state.link is Link.DISCONNECTED)
        journal.add()
        async with serving_engine(path, journal=journal, name="two") as engine:
            await until(lambda: [fact.sequence for fact in heard] == [301, 302])
        await until(lambda: client.state.link is Link.DISCONNECTED)
        async with serving_engine(path, journal=MemoryJournal(), name="three") as engine:
            await until(lambda: client.state.link is Link.CONNECTED)
            engine.fact()
            await until(lambda: [fact.sequence for fact in heard] == [301, 302, 1])


async def test_a_command_id_is_executed_once_with_the_same_response(path: Path) -> None:
    async with serving_engine(path) as engine:
        client, other = client_of(path), client_of(path)
        async with running_client(client), running_client(other):
            engine.may_continue.clear()
            gives = [
                asyncio.create_task(one.send(BUY, Amount(5), deadline_s=5, command_id="same-id-1"))
                for one in (client, other)
            ]
            await until(lambda: len(engine.audit.rows) == 1)
            engine.may_continue.set()
            first, second = await gives[0], await gives[1]
            again = await client.send(BUY, Amount(5), deadline_s=5, command_id="same-id-1")
            changed = await client.send(BUY, Amount(6), deadline_s=5, command_id="same-id-1")
    assert engine.bought == [5]
    assert first.result == second.result == again.result == Amount(5)
    assert again.is_repeated
    assert changed.outcome is CommandOutcome.REFUSED


async def test_a_command_during_a_lost_connection_is_executed_once(path: Path) -> None:
    async with serving_engine(path) as engine:
        client = client_of(path)
        async with running_client(client):
            engine.may_continue.clear()
            giving = asyncio.create_task(client.send(BUY, Amount(7), deadline_s=10))
            await until(lambda: len(engine.audit.rows) == 1)
            assert client._connection is not None  # pyright: ignore[reportPrivateUsage]
            client._connection.close()  # pyright: ignore[reportPrivateUsage]
            await until(lambda: client.state.link is Link.DISCONNECTED)
            engine.may_continue.set()
            assert (await giving).message == "7 bought."
    assert engine.bought == [7]


async def test_a_command_id_is_recognised_after_an_engine_restart(path: Path) -> None:
    audit = MemoryAudit()
    client = client_of(path)
    async with running_client(client):
        async with serving_engine(path, audit):
            await client.send(BUY, Amount(5), deadline_s=10, command_id="done-before")
        audit.rows["begun-before"] = audit.rows["done-before"][0], None
        async with serving_engine(path, audit, name="two") as engine:
            done = await client.send(BUY, Amount(5), deadline_s=10, command_id="done-before")
            begun = await client.send(BUY, Amount(5), deadline_s=10, command_id="begun-before")
    assert (done.outcome, done.is_repeated, engine.bought) == (CommandOutcome.DONE, True, [])
    assert begun.outcome is CommandOutcome.UNKNOWN


async def test_responses_state_why_a_command_was_not_executed(path: Path) -> None:
    stranger = CommandKind("sell", Amount, Amount)
    wrong = CommandKind("buy", Quote, Amount)
    async with serving_engine(path) as engine:
        client = client_of(path)
        async with running_client(client):
            unknown = await client.send(stranger, Amount(1), deadline_s=5)
            shapeless = await client.send(wrong, Quote(1), deadline_s=5)
            refused = await client.send(BUY, Amount(-1), deadline_s=5)
            broken = await client.send(BUY, Amount(0), deadline_s=5)
            engine.audit.is_broken = True
            unwritten = await client.send(BUY, Amount(1), deadline_s=5)
            halted = await client.send(HALT, Amount(9), deadline_s=5)
    assert unknown.message == "Unknown command 'sell'. Known commands: buy, count, halt, stop."
    assert "of" in shapeless.message
    assert refused.message == "The amount must be positive."
    assert broken.outcome is CommandOutcome.FAILED
    assert "secret-canary" not in broken.message
    assert unwritten.outcome is CommandOutcome.REFUSED
    assert "disk full" in unwritten.message
    assert halted.message == "9 bought. It could not be stored."
    assert engine.bought == [9]


async def test_a_read_only_viewer_may_only_query_and_reduce_risk(path: Path) -> None:
    async with serving_engine(path, highest=Role.VIEW) as engine:
        client = client_of(path, Role.OPERATE)
        async with running_client(client):
            assert "Read-only client" in (await client.send(BUY, Amount(1), deadline_s=5)).message
            stopped = await client.send(STOP, Amount(1), deadline_s=5)
            assert stopped.message == "Read-only client: stop needs the operate role."
            assert stopped.outcome is CommandOutcome.REFUSED
            assert (await client.send(COUNT, Amount(1), deadline_s=5)).result == Amount(0)
            assert (await client.send(HALT, Amount(1), deadline_s=5)).outcome is CommandOutcome.DONE
            assert next(iter(engine.audit.rows.values()))[0].name == "halt"
            assert client.state.welcome is not None
            assert client.state.welcome.role is Role.VIEW


async def test_more_than_fifty_commands_in_a_second_are_refused(path: Path) -> None:
    async with serving_engine(path) as engine:
        client = client_of(path)
        async with running_client(client):
            await until(lambda: client.state.link is Link.CONNECTED)
            replies = await asyncio.gather(*[client.send(COUNT, Amount(1), deadline_s=9) for _ in range(60)])
            refused = [reply for reply in replies if reply.outcome is CommandOutcome.REFUSED]
            assert refused
            assert "messages in a second" in refused[0].message
            assert engine.server.viewers


async def test_the_connection_state_distinguishes_a_silent_engine_from_a_lost_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mexc_tui.desk.client.STALE_S", 0.05)
    links: list[Link] = []
    client = client_of(path)
    client.on_link(lambda state: links.append(state.link))
    async with running_client(client):
        await until(lambda: client.state.attempts > 0)
        assert "Start one" in client.state.cause
        async with serving_engine(path):
            await until(lambda: links[-2:] == [Link.CONNECTED, Link.STALE])
        await until(lambda: client.state.link is Link.DISCONNECTED)


async def test_an_engine_in_its_own_thread_serves_this_loop_and_single_requests(path: Path) -> None:
    ready, stop = threading.Event(), threading.Event()

    async def engine_main() -> None:
        async with serving_engine(path) as engine:
            engine.quotes.put("AUSDT", Quote(1, "x"))
            ready.set()
            while not stop.is_set():  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(engine_main()))
    thread.start()
    try:
        await asyncio.to_thread(ready.wait)
        client = client_of(path)
        mirror = client.mirror(QUOTES)
        async with running_client(client):
            await until(lambda: mirror.is_complete)

        def one_shot() -> None:
            rows = fetch_view(path, QUOTES, who="cli", deadline_s=5)
            assert rows == mirror.rows == {"AUSDT": Quote(1, "x")}
            answer = send_command(path, BUY, Amount(2), who="cli", now_ms=now_ms(), deadline_s=5)
            assert answer.message == "2 bought."
            with pytest.raises(Exception, match="Unknown view 'orders'"):
                fetch_view(path, ViewKind("orders", Quote), who="cli", deadline_s=5)

        await asyncio.to_thread(one_shot)
    finally:
        stop.set()
        thread.join()
    with pytest.raises(NoEngine, match="Start one"):
        await asyncio.to_thread(fetch_view, path, QUOTES, who="cli", deadline_s=1)


async def test_a_request_without_a_response_in_time_raises(path: Path) -> None:
    async with serving_engine(path) as engine:
        engine.may_continue.clear()
        with pytest.raises(EngineSilent, match="did not respond within"):
            await asyncio.to_thread(
                send_command, path, BUY, Amount(2), who="cli", now_ms=now_ms(), deadline_s=0.2
            )
        engine.may_continue.set()


async def test_an_expired_command_is_not_executed_but_a_completed_one_gets_its_response(path: Path) -> None:
    sender = CommandSender("late", 1, Role.OPERATE)
    async with serving_engine(path) as engine:
        commands = engine.server.commands
        late = CommandMessage(id="late-one", name="buy", at_ms=1, until_ms=2, args=raw(Amount(1)))
        halt = CommandMessage(id="late-halt", name="halt", at_ms=1, until_ms=2, args=raw(Amount(2)))
        early = CommandMessage(id="done-one", name="buy", at_ms=1, until_ms=2**50, args=raw(Amount(3)))
        resent = CommandMessage(id="done-one", name="buy", at_ms=1, until_ms=2, args=raw(Amount(3)))
        assert "expired" in (await commands.execute(late, sender)).words
        assert (await commands.execute(halt, sender)).outcome is CommandOutcome.DONE
        assert (await commands.execute(early, sender)).outcome is CommandOutcome.DONE
        assert (await commands.execute(resent, sender)).words == "3 bought."
        assert engine.bought == [2, 3]


async def test_ids_beyond_those_remembered_are_found_in_the_audit(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mexc_tui.desk.command_executor.MAX_REMEMBERED", 3)
    sender = CommandSender("many", 1, Role.OPERATE)
    async with serving_engine(path) as engine:
        commands = engine.server.commands
        gives = [
            CommandMessage(id=f"number-{n}", name="buy", at_ms=1, until_ms=2**50, args=raw(Amount(n + 1)))
            for n in range(9)
        ]
        for give in gives:
            await commands.execute(give, sender)
        assert len(commands._remembered) == 3  # pyright: ignore[reportPrivateUsage]
        assert (await commands.execute(gives[0], sender)).is_repeated
        assert engine.bought == list(range(1, 10))


async def test_a_handler_cancelled_from_within_is_reported_as_failed(path: Path) -> None:
    async with serving_engine(path):
        client = client_of(path)
        async with running_client(client):
            assert (await client.send(BUY, Amount(13), deadline_s=5)).outcome is CommandOutcome.FAILED


async def test_a_running_command_gets_its_response_before_the_engine_closes(path: Path) -> None:
    async with serving_engine(path) as engine:
        client = client_of(path)
        async with running_client(client):
            engine.may_continue.clear()
            giving = asyncio.create_task(client.send(BUY, Amount(4), deadline_s=5))
            await until(lambda: len(engine.audit.rows) == 1)
            closing = asyncio.create_task(engine.server.close(deadline_s=5))
            await asyncio.sleep(0)
            engine.may_continue.set()
            assert (await giving).message == "4 bought."
            await closing


async def test_a_single_journal_failure_loses_no_event(path: Path) -> None:
    journal, heard = MemoryJournal(), list[Fact]()
    for _ in range(5):
        journal.add()
    journal.is_broken = True
    client = client_of(path)
    client.follow(0, heard.append)
    async with serving_engine(path, journal=journal), running_client(client):
        await until(lambda: len(heard) == 5)
    assert not journal.is_broken


async def test_rows_of_a_previous_engine_are_not_mixed_with_current_ones(path: Path) -> None:
    client = client_of(path)
    mirror = client.mirror(QUOTES)
    async with running_client(client):
        async with serving_engine(path) as engine:
            engine.quotes.put("AUSDT", Quote(1))
            await until(lambda: dict(mirror.rows) == {"AUSDT": Quote(1)})
        async with serving_engine(path, name="two") as engine:
            engine.quotes.put("BUSDT", Quote(2))  # the same version, of another engine
            await until(lambda: dict(mirror.rows) == {"BUSDT": Quote(2)})


async def test_an_unpublished_event_is_read_from_the_journal(path: Path) -> None:
    journal, heard = MemoryJournal(), list[Fact]()
    client = client_of(path)
    client.follow(0, heard.append)
    async with serving_engine(path, journal=journal) as engine, running_client(client):
        engine.fact()
        await until(lambda: len(heard) == 1)
        journal.add()
        engine.fact()
        await until(lambda: len(heard) == 3)
        assert client.state.link is Link.CONNECTED
    assert heard == journal.facts


async def test_a_risk_reducing_command_is_executed_before_the_audit_responds(path: Path) -> None:
    class SilentAudit(MemoryAudit):
        async def begin(self, command: ReceivedCommand) -> AuditEntry | None:
            await answers.wait()
            return await super().begin(command)

    answers, audit = asyncio.Event(), SilentAudit()
    async with serving_engine(path, audit) as engine, running_client(client_of(path, Role.VIEW)) as client:
        reply = await client.send(HALT, Amount(1), deadline_s=10)
        assert reply.outcome is CommandOutcome.DONE
        assert engine.bought == [1]
        assert "not stored yet" in reply.message
        assert not audit.rows
        answers.set()
        await until(lambda: any(answer is not None for _, answer in audit.rows.values()))


async def test_an_older_risk_reducing_command_is_looked_up_in_the_audit_first(path: Path) -> None:
    audit, given_ms = MemoryAudit(), now_ms() - 60_000
    give = CommandMessage(
        id="once", name=HALT.name, at_ms=given_ms, until_ms=given_ms + 1, args=raw(Amount(1))
    )
    for times in (1, 0):
        async with serving_engine(path, audit) as engine:
            await engine.server.commands.execute(give, CommandSender("ann", 1, Role.VIEW))
            assert len(engine.bought) == times


@pytest.mark.parametrize(("kind", "outcome"), [(BUY, CommandOutcome.REFUSED), (HALT, CommandOutcome.DONE)])
async def test_a_storage_error_is_one_line_in_the_response_and_in_the_log(
    path: Path,
    caplog: pytest.LogCaptureFixture,
    kind: CommandKind[Amount, Amount],
    outcome: CommandOutcome,
) -> None:
    class FullAudit(MemoryAudit):
        async def begin(self, command: ReceivedCommand) -> AuditEntry | None:
            raise StorageFull("command begun: the disk is full; free some space.")

    async with serving_engine(path, FullAudit()), running_client(client_of(path)) as client:
        reply = await client.send(kind, Amount(1), deadline_s=5)
    assert reply.outcome is outcome
    assert "could not be stored" in reply.message
    (line,) = [one for one in caplog.records if "audit" in one.getMessage()]
    assert line.exc_info is None
    assert "the disk is full" in line.getMessage()
