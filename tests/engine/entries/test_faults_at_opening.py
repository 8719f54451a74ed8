"""Rare or costly responses and changes in the last seconds (reliability R1, R13, R16 to R18, O11 to O13)."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import Alert
from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import NewOrder, OrderType
from mexc_tui.model.severity import Severity
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.ports.trading import FireResult, FiringLine, SignedOrder
from mexc_tui.practice.matching.pairs import PairRules
from mexc_tui.practice.matching.values import OrderRecord, PracticeRefusal
from mexc_tui.practice.scenario import FaultKind, FaultPlan, ListingShape
from mexc_tui.simulation.network import Host
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.opening_day import (
    NAME,
    OPENS_S,
    OpeningBench,
    ScriptedSession,
    listing,
    opening_engine,
    scenario,
)
from tests.support.engine.practice_day import HOST, PORT

pytestmark = pytest.mark.timeout(120)  # runs whole engines

LATER_S = OPENS_S + 8
CALM = listing(jitter_ms=0, shape=ListingShape.DUD, peak=1.0)
STRANGE = PracticeRefusal(98765, "something new")


async def alerts(watcher: OpeningBench) -> list[Alert]:
    """Return the alerts of the journal."""
    page = await watcher.running.store.read("journal", lambda stored: list(stored.journal.after(0, 5_000)))
    return [one.event for one in page if isinstance(one.event, Alert)]


def change_rules(watcher: OpeningBench, **changes: object) -> None:
    """Change the pair's rules on the exchange."""
    pair = watcher.session.pair(NAME)
    assert pair is not None
    pair.rules = msgspec.structs.replace(pair.rules, **changes)  # pyright: ignore[reportArgumentType]
    assert isinstance(pair.rules, PairRules)


def cut_connections_when_firing(watcher: OpeningBench, host: Host) -> None:
    """Reset every connection to the exchange when an attempt is due, and refuse new ones."""
    open_line = watcher.components.port.line

    def cut_line() -> FiringLine:
        line = open_line()
        fire, fire_at = line.fire, line.fire_at

        def cut() -> None:
            host.refusing = True
            host.reset()

        async def cut_and_fire(signed: SignedOrder, may_send: Callable[[], bool]) -> FireResult:
            cut()
            return await fire(signed, may_send)

        async def cut_and_fire_at(
            signed: SignedOrder, at_ns: int, may_send: Callable[[], bool]
        ) -> FireResult:
            cut()
            return await fire_at(signed, at_ns, may_send)

        line.fire, line.fire_at = cut_and_fire, cut_and_fire_at
        return line

    watcher.components.port.line = cut_line


def take_and_answer(session: ScriptedSession, refusal: PracticeRefusal) -> None:
    """Take the next buy, and answer it with this."""
    take = session.place

    def taken(order: NewOrder) -> OrderRecord:
        session.place = take
        take(order)
        raise refusal

    session.place = taken


def test_R1_a_buy_whose_connection_is_refused_is_not_sent_and_frees_its_funds(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(CALM)) as watcher:
            memory, host = watcher.components.ledger.state, sim.network.find(HOST, PORT)
            cut_connections_when_firing(watcher, host)
            await watcher.at(OPENS_S - 1)
            assert memory.reserved() > 0
            await watcher.at(OPENS_S + 8)
            assert host.refusing
            snipe = await watcher.last()
            assert snipe.state is SnipeState.MISSED
            attempts = await watcher.attempts(snipe)
            answers = [one.answer for one in attempts]
            assert "not sent: no connection to the server" in answers
            assert all(one.startswith("not sent") for one in answers), answers
            assert not memory.has_unknown(NAME)
            assert memory.reserved() == 0
            assert not watcher.session.buys_received
            host.refusing = False

    simulate(main)


@pytest.mark.parametrize("is_taken", [False, True], ids=["not taken", "taken"])
def test_R13_an_unknown_response_code_is_ambiguous_and_raises_an_alert(
    tmp_path: Path, is_taken: bool
) -> None:
    async def main(sim: Simulation) -> None:
        script = () if is_taken else (STRANGE,)
        async with opening_engine(sim, tmp_path, scenario(listing(jitter_ms=0)), *script) as watcher:
            states = watcher.record_states()
            await watcher.at(OPENS_S - 1)
            if is_taken:
                take_and_answer(watcher.session, STRANGE)
            await watcher.at(OPENS_S + 15)
            snipe = await watcher.last()
            assert SnipeState.UNKNOWN in states
            assert len(watcher.session.buys_received) == 1
            (order,) = await watcher.orders(snipe)
            assert (order.state is OrderState.FILLED) is is_taken
            assert snipe.state is (SnipeState.FILLED if is_taken else SnipeState.MISSED)
            assert watcher.bought() == snipe.filled_value
            assert any("98765" in one.text for one in await alerts(watcher))

    simulate(main)


@pytest.mark.parametrize("code", [700003, 10073])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_R17_a_temporarily_refused_timestamp_is_measured_and_retried_within_the_window(
    tmp_path: Path, code: int, times: int
) -> None:
    refusal = PracticeRefusal(code, "Timestamp for this request is outside of the recvWindow.")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(CALM), *[refusal] * times) as watcher:
            await watcher.at(OPENS_S + 6)
            snipe = await watcher.last()
            assert (snipe.state, len(watcher.session.buys_received)) == (SnipeState.FILLED, times + 1)
            assert all(at_ms <= snipe.opens_ms + 5_000 for at_ms, _ in watcher.session.buys_received)
            await watcher.at(OPENS_S + 12)
            assert watcher.components.ledger.state.trading.state is TradingState.ACTIVE

    simulate(main)


@pytest.mark.parametrize("ahead_ms", [2_500, -2_500])
def test_R17_an_exchange_clock_that_jumps_before_the_opening_is_followed(
    tmp_path: Path, ahead_ms: int
) -> None:
    skew = FaultPlan(kind=FaultKind.CLOCK_SKEW, at_s=OPENS_S - 0.3, amount_ms=ahead_ms)

    async def main(sim: Simulation) -> None:
        plan = scenario(CALM, faults=(skew,))
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            attempts = await watcher.attempts(snipe)
            assert attempts[0].code == 700003
            assert snipe.state is SnipeState.FILLED
            assert attempts[1].code is None

    simulate(main)


def test_R17_timestamps_refused_for_the_whole_window_stop_entries(tmp_path: Path) -> None:
    refusal = PracticeRefusal(700003, "Timestamp for this request is outside of the recvWindow.")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), *[refusal] * 50) as watcher:
            await watcher.at(OPENS_S + 9)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.REJECTED
            assert 2 < len(watcher.session.buys_received) <= 20
            assert all(at_ms <= snipe.opens_ms + 5_000 for at_ms, _ in watcher.session.buys_received)
            trading = watcher.components.ledger.state.trading
            assert (trading.state, trading.cause) == (TradingState.REDUCE_ONLY, Cause.CLOCK)

    simulate(main)


@pytest.mark.parametrize("code", [700006, 10072], ids=["address", "key"])
def test_R18_a_key_rejected_at_the_opening_halts_with_an_alert_and_is_not_retried(
    tmp_path: Path, code: int
) -> None:
    async def main(sim: Simulation) -> None:
        refusal = PracticeRefusal(code, "refused", 403)
        async with opening_engine(sim, tmp_path, scenario(), *[refusal] * 5) as watcher:
            await watcher.at(OPENS_S + 3)
            assert len(watcher.session.buys_received) == 1
            trading = watcher.components.ledger.state.trading
            assert (trading.state, trading.cause) == (TradingState.HALTED, Cause.KEY)
            assert any(one.severity is Severity.CRITICAL for one in await alerts(watcher))
            with pytest.raises(CommandRefused):
                await watcher.components.arming.arm(NAME, "ann")

    simulate(main)


@pytest.mark.parametrize("code", [10098, 60005, 30018])
def test_R16_a_restricted_account_halts_entries_of_every_pair(tmp_path: Path, code: int) -> None:
    async def main(sim: Simulation) -> None:
        later = listing("LATER", opens_s=OPENS_S + 20)
        plan = scenario(listing(jitter_ms=0), later)
        async with opening_engine(sim, tmp_path, plan, PracticeRefusal(code, "risk control")) as watcher:
            await watcher.at(OPENS_S + 3)
            assert (await watcher.last()).state is SnipeState.REJECTED
            trading = watcher.components.ledger.state.trading
            assert (trading.state, trading.cause) == (TradingState.HALTED, Cause.ACCOUNT)
            assert any(
                one.severity is Severity.CRITICAL and "account restricted by the exchange" in one.text
                for one in await alerts(watcher)
            )
            with pytest.raises(CommandRefused):
                await watcher.components.arming.arm("LATERUSDT", "ann")
            await watcher.at(OPENS_S + 28)
            assert len(watcher.session.buys_received) == 1

    simulate(main)


@pytest.mark.parametrize("code", [70011, 30027, 30020])
def test_R16_a_pair_closed_to_the_key_ends_only_its_own_snipe(tmp_path: Path, code: int) -> None:
    async def main(sim: Simulation) -> None:
        later = listing("LATER", opens_s=OPENS_S + 20, jitter_ms=0, shape=ListingShape.DUD, peak=1.0)
        plan = scenario(listing(jitter_ms=0), later)
        async with opening_engine(sim, tmp_path, plan, PracticeRefusal(code, "not this pair")) as watcher:
            await watcher.at(OPENS_S + 28)
            (snipe,) = await watcher.snipes()
            assert snipe.state is SnipeState.REJECTED
            assert [order.symbol for _, order in watcher.session.buys_received].count(NAME) == 1
            assert not watcher.buys()
            assert any(str(code) in one.text for one in await alerts(watcher))
            assert (await watcher.last("LATERUSDT")).state is SnipeState.FILLED
            assert watcher.components.ledger.state.trading.state is TradingState.ACTIVE

    simulate(main)


def test_30025_no_opponent_places_a_resting_order_at_the_same_limit(
    tmp_path: Path,
) -> None:
    refusal = PracticeRefusal(30025, "no exist opponent order")

    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario(), refusal) as watcher:
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            attempts = await watcher.attempts(snipe)
            assert attempts[0].code == 30025
            assert snipe.state is SnipeState.FILLED
            first, last = watcher.session.buys_received[0][1], watcher.session.buys_received[-1][1]
            assert (first.type, last.type) == (OrderType.IMMEDIATE_OR_CANCEL, OrderType.LIMIT)
            assert all(one.price is not None for _, one in watcher.session.buys_received)
            assert watcher.bought() <= snipe.spend_cap

    simulate(main)


def test_O11_a_minimum_value_raised_while_armed_disarms_in_the_last_second(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(OPENS_S - 8)
            assert (await watcher.last()).state is SnipeState.ARMED
            change_rules(watcher, min_value=Decimal(500), min_value_market=Decimal(500))
            await watcher.at(LATER_S)
            snipe = (await watcher.snipes())[0]
            assert snipe.state is SnipeState.DISARMED
            assert "pair" in snipe.reason
            assert not watcher.session.buys_received

    simulate(main)


def test_O11_a_quantity_step_changed_while_armed_is_used(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            await watcher.at(OPENS_S - 12)
            assert (await watcher.last()).state is SnipeState.ARMED
            change_rules(watcher, quantity_decimals=0)
            await watcher.at(LATER_S)
            snipe = await watcher.last()
            assert snipe.state is SnipeState.FILLED
            assert all(one.code != 10096 for one in await watcher.attempts(snipe))
            assert all(one.quantity == one.quantity.to_integral_value() for one in watcher.buys())

    simulate(main)


def test_O12_simultaneous_signals_and_manual_requests_reserve_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            arming, memory = watcher.components.arming, watcher.components.ledger.state
            await watcher.at(OPENS_S - 21)
            for _ in range(40):
                asked = (arming.process(), arming.process(), arming.arm(NAME, "ann"), arming.process())
                await asyncio.gather(*asked, return_exceptions=True)
                await asyncio.sleep(0.05)
            (snipe,) = await watcher.snipes()
            assert list(memory.intents) == [snipe.id]
            assert memory.reserved() == snipe.spend_cap

    simulate(main)


def test_O13_concurrent_entry_checks_never_reserve_more_than_the_limit(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        names = tuple(f"NEW{n}" for n in "ABCD")
        plan = scenario(
            *(listing(one) for one in names),
            max_snipes=10,
            position_cap_pct=2.5,
            exposure_cap_pct=2.5,
            auto_arm="never",
        )
        async with opening_engine(sim, tmp_path, plan) as watcher:
            await watcher.at(OPENS_S - 12)
            asked = (watcher.components.arming.arm(f"{one}USDT", "ann") for one in names)
            done = await asyncio.gather(*asked, return_exceptions=True)
            refused = [one for one in done if isinstance(one, CommandRefused)]
            assert len(refused) == 2
            assert all("exposure" in str(one) for one in refused)
            memory = watcher.components.ledger.state
            assert Decimal(10) < memory.reserved() <= Decimal(25)
            await watcher.at(OPENS_S + 4)
            assert sum(bool(watcher.buys(f"{one}USDT")) for one in names) == 2

    simulate(main)


def test_a_manual_listing_whose_pair_is_not_listed_is_never_armed_or_queried(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with opening_engine(sim, tmp_path, scenario()) as watcher:
            opens_ms = watcher.session.start_ms + int(OPENS_S * 1_000)
            await watcher.running.queries.add_listing("GHOSTUSDT", opens_ms, "a rumour")
            await watcher.at(OPENS_S - 12)
            judged = await watcher.components.arming.what_if("GHOSTUSDT")
            assert not judged.judgement.approved
            with pytest.raises(CommandRefused, match="exchangeInfo"):
                await watcher.components.arming.arm("GHOSTUSDT", "ann")
            await watcher.at(LATER_S)
            assert not await watcher.snipes("GHOSTUSDT")
            assert {one.symbol for _, one in watcher.session.buys_received} == {NAME}
            assert (await watcher.last()).state is SnipeState.FILLED  # the others go on

    simulate(main)
