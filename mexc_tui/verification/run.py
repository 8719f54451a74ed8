"""One fault-injection run: real engine, store and client against the practice exchange, without sockets."""

import asyncio
import gc
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.host.paths import paths_of
from mexc_tui.model.errors import DeskError
from mexc_tui.model.intent import Order, OrderState
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.trading import Cause
from mexc_tui.ports.store import Stored as StoredRows
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.server import HOST, PracticeServer
from mexc_tui.simulation.clock import VirtualClock
from mexc_tui.simulation.loop import VirtualLoop
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.verification import invariants
from mexc_tui.verification.engine_life import Crashed, EngineLife, checking, halt_file_of, own_tasks, store_of
from mexc_tui.verification.history import History
from mexc_tui.verification.invariants import Exchange, Stored
from mexc_tui.verification.log_check import logs_checked, secret_in_files
from mexc_tui.verification.plan import END_S, OPENS_S, SYMBOL, CommandKind, CommandPlan, RunPlan

if TYPE_CHECKING:
    from mexc_tui.simulation.network import Host
    from mexc_tui.simulation.wire import WireEnd

PORT = 8080
USER = "user"
CHECK_S = 0.25
SETTLE_S = 2.0
"""A run may end when nothing was wrong in two checks that far apart."""
START_AGAIN_S = 1.0
"""Pause of a service manager before it starts a failed engine again."""
ROWS = 100_000
MAX_TASKS, MAX_CONNECTIONS = 90, 20
"""Bounds of one engine that trades one pair (I16)."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run found. Nothing in `violations`: every invariant held."""

    plan: RunPlan
    digest: str
    violations: tuple[str, ...]
    history: tuple[str, ...]
    crashes: int
    starts: int
    """Engines that started."""
    port_calls: int
    bought: bool
    settled_s: tuple[float, ...]
    """Virtual seconds until each unknown order was settled, from when the faults were over."""


def play(plan: RunPlan) -> RunResult:
    """Play one plan in virtual time, with the desk's files in a temporary folder."""
    # A collection at another moment would close a connection, and end a history, differently.
    gc.disable()
    try:
        with TemporaryDirectory(prefix="mexc-", dir=_memory()) as temporary:
            return simulate(
                lambda sim: FaultRun(sim, plan, Path(temporary)).play(),
                seed=plan.seed,
                shuffle=plan.is_shuffled,
            )
    finally:
        gc.enable()


def _memory() -> str | None:
    """Return a folder in memory, if the system has one: a run writes thousands of transactions."""
    folder = Path("/dev") / "shm"
    return str(folder) if folder.is_dir() else None


class FaultRun:
    """An exchange that stays while engines start, crash and start again."""

    def __init__(self, sim: Simulation, plan: RunPlan, folder: Path) -> None:
        self._sim = sim
        self._plan = plan
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._server = PracticeServer(plan.scenario, plan.seed, VirtualClock(self._loop))
        self._paths = paths_of("practice", {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")})
        self._history = History()
        self._violations: list[str] = []
        self._host: Host | None = None
        self._life: EngineLife | None = None
        self._running: RunningEngine | None = None
        self._crashes = self._starts = 0
        self._calls = 0
        self._writing = 0
        self._is_stopped = False
        """Whether the user halted or killed, was answered, and has not resumed."""
        self._was_killed = False
        self._disk_fails_until_s = 0.0
        self._deposited = set[Decimal]()
        self._settled = asyncio.Event()
        self._latest = dict[str, Order]()
        """Each order as last reported: the ledger's memory drops closed ones."""
        self._unknown = dict[str, float]()
        self._quiet_s = _quiet_s(plan)
        self._settled_s = list[float]()

    async def play(self) -> RunResult:
        """Run to the end of the calm, and check."""
        own_tasks(self._loop)
        self._host = await self._sim.network.serve(HOST, PORT, self._server.application())
        self._host.on_client_write = self._before_write
        self._host.after_client_write = self._after_write
        with logs_checked(self._violations, self._server.api_secret):
            user = asyncio.create_task(self._act(), name="user")
            checker = asyncio.create_task(self._watch(), name="checker")
            ending = asyncio.create_task(self._end_when_settled(), name="ending")
            try:
                await self._run_engines()
            finally:
                for task in (user, checker, ending):
                    task.cancel()
                ended = await asyncio.gather(user, checker, ending, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error
        self._violations += secret_in_files(self._folder, self._server.api_secret)
        self._history.add(self._loop.time(), self._sim.network.trace_hash())
        return RunResult(
            plan=self._plan,
            digest=self._history.digest(),
            violations=tuple(dict.fromkeys(self._violations)),
            history=(*self._history.last(), *self._sim.network.history()[-20:]),
            crashes=self._crashes,
            starts=self._starts,
            port_calls=self._calls,
            settled_s=tuple(self._settled_s),
            bought=any(one.executed for one in self._exchange().ours),
        )

    # ---- engines

    async def _run_engines(self) -> None:
        crashes = list(self._plan.crashes)
        while True:
            crash = crashes.pop(0) if crashes and self._loop.time() < self._plan.calm_s else None
            life = EngineLife(crash, self._on_death, lambda: self._loop.time() < self._disk_fails_until_s)
            self._life = life
            engine = life.start(self._engine(life), "engine")
            is_over = await self._wait_for_end(engine, life)
            if is_over and not life.is_dead:
                self._violations += await self._final_violations()
                life.end("the end")
            self._running = None
            self._record_failure(engine)
            life.is_dead = True
            await life.bury()
            self._calls += life.calls
            if is_over:
                return
            await asyncio.sleep(START_AGAIN_S if crash is None else crash.down_s)

    async def _wait_for_end(self, engine: asyncio.Task[None], life: EngineLife) -> bool:
        """Wait until the engine ends or the run is over; return whether the run is over."""
        waits = [asyncio.create_task(event.wait()) for event in (life.died, self._settled)]
        await asyncio.wait(
            (engine, *waits),
            timeout=max(0.0, END_S - self._loop.time()),
            return_when=asyncio.FIRST_COMPLETED,
        )
        for wait in waits:
            wait.cancel()
        return self._settled.is_set() or self._loop.time() >= END_S - 1e-3

    def _record_failure(self, engine: asyncio.Task[None]) -> None:
        error = engine.exception() if engine.done() and not engine.cancelled() else None
        if error is None or isinstance(error, Crashed):
            return
        self._say(f"engine ended: {error}")
        if not isinstance(error, DeskError):
            self._violations.append(f"the engine ended with {error!r}")

    async def _engine(self, life: EngineLife) -> None:
        environment = EngineEnvironment(
            clock=self._sim.clock,
            rng=Random(f"engine {self._plan.seed} {self._crashes}"),
            connector=lambda: life.connector(self._sim.network),
            thread=store_of(life),
            halt_file=halt_file_of(life),
            has_desk=False,
        )
        location = EngineLocation(self._server.endpoint(PORT), True, self._paths)
        async with running_engine(location, environment) as running:
            components = running.engine.trading_components
            assert components is not None
            self._running = running
            components.ledger.on_change(self._record_changes)
            self._starts += 1
            self._unknown = dict.fromkeys(self._unknown, self._loop.time())  # nobody could ask before
            self._say("engine started")
            await life.died.wait()

    def _on_death(self, name: str) -> None:
        self._say(f"engine ends {name}")
        if name != "the end":
            self._crashes += 1
        assert self._host is not None
        for end in list(self._host.ends):
            end.abort()

    # ---- what the engine sends

    def _before_write(self, data: bytes) -> None:
        life = self._life
        if life is None:
            return
        if data.startswith(b"POST /api/v3/order?") and b"side=BUY" in data:
            self._check_buy()
        self._writing = life.enter("a write")

    def _after_write(self) -> None:
        if self._life is not None:
            self._life.leave(self._writing, "a write")

    def _check_buy(self) -> None:
        """I10, I11: what must be so whenever a buy is written to the connection."""
        self._say("buy sent")
        components = self._components()
        if components is None:
            return
        memory = components.ledger.state
        if self._is_stopped:
            self._violations.append("I10: a buy was sent after an acknowledged halt")
        if not memory.trading.state.allows_entries:
            self._violations.append(f"I11: a buy was sent while {memory.trading.state.value}")
        if memory.has_unknown(SYMBOL):
            self._violations.append("I11: a buy was sent while an order is unknown")

    def _record_settled(self, order: Order) -> None:
        name, now_s = order.client_order_id, self._loop.time()
        if order.state is OrderState.UNKNOWN:
            self._unknown.setdefault(name, now_s)
        elif (since_s := self._unknown.pop(name, None)) is not None and now_s >= self._quiet_s:
            self._settled_s.append(round(now_s - max(since_s, self._quiet_s), 3))

    def _record_changes(self, changes: LedgerChanges) -> None:
        for order in changes.orders:
            self._record_settled(order)
            self._say(f"order {order.client_order_id[-4:]} {order.state.value} {order.filled_quantity}")
            self._latest[order.client_order_id] = order
        components = self._components()
        if components is not None and not components.ledger.is_behind:
            intents = components.ledger.state.intents.values()
            self._violations += invariants.shrunk_reservations(intents, self._latest.values())

    # ---- the user

    async def _act(self) -> None:
        """Arm the listing as soon as that is possible, and carry out the commands of the plan."""
        arming = asyncio.create_task(self._arm())
        for command in self._plan.commands:
            await asyncio.sleep(max(0.0, command.at_s - self._loop.time()))
            self._say(f"user: {command.kind.value} {command.amount:g}")
            await self._carry_out(command)
        await arming

    async def _arm(self) -> None:
        while self._loop.time() < OPENS_S:
            components = self._components()
            if components is not None:
                try:
                    await components.arming.arm(SYMBOL, USER)
                except DeskError as error:
                    self._say(f"not armed: {error}")
                else:
                    self._say("armed")
                    return
            await asyncio.sleep(1)

    async def _carry_out(self, command: CommandPlan) -> None:
        match command.kind:
            case CommandKind.DEPOSIT:
                self._deposit(Decimal(str(command.amount)))
            case CommandKind.MANUAL_ORDER:
                self._place_manually()
            case CommandKind.CLOCK_STEP:
                self._sim.clock.step_wall(command.amount)
            case CommandKind.FREEZE:
                assert isinstance(self._loop, VirtualLoop)
                self._loop.stand_still(command.amount)
            case CommandKind.DISK_FAULT:
                self._disk_fails_until_s = self._loop.time() + command.amount
            case _:
                await self._ask_engine(command.kind)

    def _deposit(self, amount: Decimal) -> None:
        self._deposited.add(abs(amount))
        self._server.session.deposit("USDT", amount)
        self._server.push_changes()

    def _place_manually(self) -> None:
        order = NewOrder(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal(200),
            price=Decimal("0.01"),
            client_order_id="manual-1",
        )
        try:
            self._server.session.place(order)
        except PracticeRefusal as refusal:
            self._say(f"manual order refused: {refusal}")
        self._server.push_changes()

    async def _ask_engine(self, kind: CommandKind) -> None:
        """Give a command as a front end does: it ends unanswered if the engine dies meanwhile."""
        if self._running is None or self._life is None:
            return
        life = self._life
        asking = life.start(self._command(self._running, kind), f"command {kind.value}")
        await asyncio.wait((asking,), timeout=60)
        if not asking.done():
            self._say(f"{kind.value} is not answered")

    async def _command(self, running: RunningEngine, kind: CommandKind) -> None:
        money = await trading_queries(running.engine)
        assert money is not None
        try:
            match kind:
                case CommandKind.SELL_HALF:
                    await money.close(SYMBOL, Decimal(50), USER)
                case CommandKind.SELL_ALL:
                    await money.close(SYMBOL, None, USER)
                case CommandKind.HALT:
                    await money.halt(USER, "test")
                    self._is_stopped = True
                case CommandKind.RESUME:
                    self._is_stopped = self._was_killed = False
                    await money.resume(USER, "RESUME")
                case CommandKind.FLATTEN:
                    await money.flatten(USER)
                    self._is_stopped = True
                case _:
                    done = await money.kill(USER, sells=kind is CommandKind.KILL)
                    self._is_stopped = True
                    self._was_killed = done.is_all
                    if done.is_all:
                        self._violations += invariants.nothing_open_after_kill(self._exchange())
        except DeskError as error:
            self._say(f"{kind.value} refused: {error}")
        else:
            self._say(f"{kind.value} done")

    # ---- checks

    async def _watch(self) -> None:
        """I1, I5, I9, I16 and halts by a broken invariant, several times a second."""
        protection = invariants.ProtectionCheck()
        while True:
            await asyncio.sleep(CHECK_S)
            components, life = self._components(), self._life
            if components is None or life is None:
                protection = invariants.ProtectionCheck()
                continue
            memory = components.ledger.state
            for order in memory.orders.values():
                self._record_settled(order)
            self._violations += invariants.one_live_order(memory.orders.values(), memory.intents.values())
            self._violations += invariants.within_reservations(memory)
            if memory.trading.cause is Cause.INVARIANT:
                self._violations.append(f"an invariant halted the engine: {memory.trading.text}")
            if self._is_stopped and components.reconciler.is_done and memory.trading.state.allows_entries:
                self._violations.append("I10: entries are allowed after an acknowledged halt")
            self._violations += protection.check(memory, components.safety.invariants.heartbeat_ms)
            if life.tasks > MAX_TASKS or len(self._open_connections()) > MAX_CONNECTIONS:
                connections = len(self._open_connections())
                self._violations.append(f"I16: {life.tasks} tasks, {connections} connections")

    async def _end_when_settled(self) -> None:
        """End a run early once the faults are over and nothing is wrong in two checks in a row."""
        await asyncio.sleep(self._plan.calm_s)
        checks_passed = 0
        while not self._plan.is_long and checks_passed < 2:
            await asyncio.sleep(SETTLE_S)
            try:
                checks_passed = 0 if await self._final_violations() else checks_passed + 1
            except (Crashed, DeskError):  # the engine ended meanwhile
                checks_passed = 0
        if checks_passed:
            self._settled.set()

    async def _final_violations(self) -> list[str]:
        """Return what is wrong now, although the exchange may have been calm for long."""
        components, running = self._components(), self._running
        if components is None or running is None:
            # A practice engine does not start during a ban, which may last longer than the run.
            ban = BanFile(self._paths.state, self._server.endpoint(PORT).rest).read(self._sim.clock.now_ms())
            return [] if ban is not None else ["no engine runs after the calm"]
        exchange = self._exchange()
        with checking():
            stored = await running.store.read(
                "final check", lambda s: stored_rows(s, components.ledger.scope)
            )
        wrong = invariants.at_the_end(exchange, stored, frozenset(self._deposited))
        if self._was_killed:
            wrong += invariants.nothing_open_after_kill(exchange)
        if not components.reconciler.is_done:
            wrong.append("I18: the ledger was not reconciled after the calm")
        return wrong

    def _open_connections(self) -> "list[WireEnd]":
        assert self._host is not None
        return self._host.ends

    def _exchange(self) -> Exchange:
        session = self._server.session
        return Exchange(
            orders=session.all_orders(SYMBOL, 0, 2**53, limit=1_000)
            if session.pair(SYMBOL) is not None
            else (),
            balances={one.asset: one.free + one.locked for one in session.balances()},
        )

    def _components(self) -> TradingComponents | None:
        if self._running is None or self._life is None or self._life.is_dead:
            return None
        return self._running.engine.trading_components

    def _say(self, line: str) -> None:
        self._history.add(self._loop.time(), line)


def _quiet_s(plan: RunPlan) -> float:
    """Return when the last fault and freeze of a plan are over."""
    faults = (one.at_s + (one.for_s or 0) for one in plan.scenario.faults)
    freezes = (one.at_s + one.amount for one in plan.commands if one.kind is CommandKind.FREEZE)
    return max((*faults, *freezes), default=0.0)


def stored_rows(rows: StoredRows, scope: str) -> Stored:
    """Read every row of a ledger."""
    tables = rows.trading(scope)
    orders = {one.client_order_id: one for one in tables.orders.page(limit=ROWS)}
    intents = {name: intent for name in orders if (intent := tables.intents.by_client_id(name)) is not None}
    balances: dict[str, Decimal] = {}
    for one in tables.entries.balances():
        if one.account in (LedgerAccount.DESK, LedgerAccount.OWN):
            balances[one.asset] = balances.get(one.asset, Decimal(0)) + one.amount
    return Stored(
        orders=orders,
        intents=intents,
        snipes={one.id: one for one in tables.snipes.page(limit=ROWS)},
        positions=tables.positions.page(limit=ROWS),
        entries=[entry for _, entry in reversed(tables.entries.page(limit=ROWS))],
        balances=balances,
        facts=rows.journal.after(0, ROWS),
    )
