"""Deliberate defects of the order path: the fault runs must find every one of them.

A mutant replaces one piece of a module's source. `found_by` is a plan that finds it; search a new one with
`python -m tests.verification.search_mutants`.
"""

from tests.verification.mutation import Golden, Mutant, Saved, Seed

_EXECUTION = "engine.orders.execution"
_RESOLUTION = "engine.orders.order_resolution"
_WRITER = "engine.accounting.ledger_writer"
_TRANSACTION = "engine.accounting.ledger_transaction"
_RECONCILER = "engine.accounting.reconciler"
_ORDERS = "ledger.orders"
_FENCE = "ledger.order_absence"
_BOOKING = "ledger.booking"
_STOP = "engine.safety.emergency_stop"
_STATE = "engine.safety.trading_state"
_TRADING = "engine.trading"
_FIRING = "engine.entries.firing"
_SNIPER = "engine.entries.sniper"
_REACTION = "sniping.reaction"

MUTANTS = (
    # Order machine
    Mutant(
        "fills may shrink",
        _ORDERS,
        "= max((order.filled_quantity, order.filled_value), reported)",
        "= reported",
        found_by=Seed(74),
    ),
    Mutant(
        "an order that is done becomes live again",
        _ORDERS,
        "    state = _higher(order.state, reported)\n",
        "    state = reported\n",
        found_by=Seed(23),
    ),
    Mutant(
        "fees are counted for every report",
        _ORDERS,
        "    known = set(order.trade_ids)\n    fresh = {\n",
        "    known = set[str]()\n    fresh = {\n",
        found_by=Seed(6),
    ),
    Mutant(
        "fees of fills are never queried",
        _ORDERS,
        "    return order.filled_quantity > max(\n",
        "    return False and order.filled_quantity > max(\n",
        found_by=Saved("clock-ahead-at-a-start-in-maintenance"),
    ),
    Mutant(
        "an unknown order is queried only when it is quiet",
        _ORDERS,
        "        or order.state is OrderState.UNKNOWN\n",
        "",
        found_by=Saved("clock-step-during-a-start"),
    ),
    # Fence
    Mutant(
        "no time for the fence",
        "model.outcome",
        "        return self.timestamp_ms + self.recv_window_ms + SETTLE_MS",
        "        return self.timestamp_ms",
        found_by=Golden("late-execution"),
    ),
    Mutant(
        "proofs of the future count",
        _RESOLUTION,
        ".not_after(self._trading.now_ms())",
        "",
        found_by=Saved("clock-step-during-a-start"),
    ),
    Mutant(
        "a constant difference keeps an order unknown",
        _RESOLUTION,
        "        return None if may_explain(intent, found) else found",
        "        return None if found else found",
        found_by=Saved("deposit-while-an-order-is-unknown"),
    ),
    Mutant(
        "absent after one denial",
        _FENCE,
        "    return tuple(text for proven_ms, text in wanted if proven_ms is None or proven_ms <= after_ms)",
        "    return tuple(text for proven_ms, text in wanted[:1] if proven_ms is None)",
        also=(Mutant("balances", _RESOLUTION, "            denied_ms = None  #", "            pass  #"),),
        found_by=Golden("slow-listing"),
    ),
    Mutant(
        "denied before the fence is proof enough",
        _RESOLUTION,
        "        if order.fence_ms is not None and self._trading.now_ms() <= order.fence_ms:\n"
        "            await self._denied(order)\n            return\n        name",
        "        if await self._denied(order) is not None:\n"
        "            from mexc_tui.ledger.evidence import from_fence\n"
        "            from mexc_tui.model.intent import OrderState\n"
        "            gone = from_fence(OrderState.ABSENT, 'denied', self._trading.now_ms())\n"
        "            await self._ledger.book_evidence(order.client_order_id, gone)\n"
        "            return\n        name",
        found_by=Seed(63),
    ),
    # Sending
    Mutant(
        "a sent order is not registered",
        _EXECUTION,
        "        self._ledger.register_sent(row)\n        outcome = await self._trading.place(",
        "        outcome = await self._trading.place(",
        found_by=Seed(2),
    ),
    Mutant(
        "a fired order is not registered",
        _EXECUTION,
        "        self._ledger.register_sent(row)\n        fired = await (",
        "        fired = await (",
        found_by=Seed(1),
    ),
    Mutant(
        "the response is not booked",
        _EXECUTION,
        "        self._begin_chore(self._ledger.book_evidence(name, reported))\n        return SendResult(",
        "        return SendResult(",
        found_by=Seed(8),
    ),
    Mutant(
        "a rejection is always believed",
        _EXECUTION,
        "        if refusal.http_status in UNPROCESSED:\n            return False\n",
        "        return False\n",
        found_by=Golden("executed-refused"),
    ),
    Mutant(
        "a timeout counts as not sent",
        _REACTION,
        "        return _after_ambiguous(outcome, progress, rules, now_ms=now_ms)",
        "        return _again(_same(progress), progress, rules, at_ms=now_ms, reason=outcome.reason)",
        found_by=Golden("lost-response"),
    ),
    Mutant(
        "earlier attempts do not count",
        _FIRING,
        "            committed=self._orders.committed(order),",
        "            committed=self._orders.committed(order) * 0,",
        found_by=Seed(29),
    ),
    Mutant(
        "a resting entry is left open",
        _FIRING,
        '                    await self._execution.cancel(order, "the price moved away from the entry")\n',
        "                    pass\n",
        found_by=Golden("limit-only"),
        also=(
            Mutant(
                "by the next check",
                _SNIPER,
                '            await self._execution.cancel(order, "the firing that sent it has ended")\n',
                "            pass\n",
            ),
        ),
    ),
    Mutant(
        "a resting entry of a crashed engine is left open",
        _SNIPER,
        '            await self._execution.cancel(order, "the firing that sent it has ended")\n',
        "            pass\n",
        found_by=Golden("limit-only", at_call=161),
    ),
    Mutant(
        "an intent ends before its fill is stored",
        _SNIPER,
        "        if self._ledger.problem:\n            return\n",
        "",
        found_by=Golden("disk-fault", at_call=201),
    ),
    # Gates
    Mutant(
        "entries pass a halt",
        _TRADING,
        "        if not memory.trading.state.allows_entries:\n",
        "        if memory.trading.state.allows_entries is None:\n",
        found_by=Seed(56),
    ),
    # Ledger
    Mutant(
        "evidence that could not be booked is dropped",
        _WRITER,
        "                self._unbooked.append(reported)\n                self._apply_unstored(reported)\n",
        "                self._apply_unstored(reported)\n",
        found_by=Golden("disk-fault"),
    ),
    Mutant(
        "a bought position gets no stop", _WRITER, "            desk.protect(spare)\n", "", found_by=Seed(3)
    ),
    Mutant(
        "fills of a position are not booked",
        _BOOKING,
        "        *_trade_entry(position, before, order, at_ms=at_ms),\n",
        "",
        found_by=Seed(1),
    ),
    Mutant(
        "fees are not booked",
        _BOOKING,
        "        *_fee_entries(position, before, order, at_ms=at_ms),\n",
        "",
        found_by=Seed(1),
    ),
    Mutant(
        "an order of a previous engine is ignored",
        _WRITER,
        "                order = unknown_attempt(intent, name, None)\n",
        "                return\n",
        also=(
            Mutant("by reconciliation", _RECONCILER, "                ledger.register_attempt(order)\n", ""),
        ),
        found_by=Golden("clean", at_call=138, is_after=False),
    ),
    Mutant(
        "a reservation never shrinks",
        _BOOKING,
        "    return max(intent.spend_cap - spent(intent, orders), ZERO)",
        "    return intent.spend_cap",
        found_by=Golden("clean"),
    ),
    Mutant(
        "a snipe forgets its fills",
        _TRANSACTION,
        "        if step.has_fill:\n            self._follow_snipe(after)\n",
        "",
        found_by=Golden("clean"),
    ),
    # Reconciliation
    Mutant(
        "corrections are not applied",
        _RECONCILER,
        "            for correction in outcome.corrections:\n                await self._apply(correction)\n",
        "",
        found_by=Seed(1),
    ),
    Mutant(
        "a fill booked during a comparison is booked as a difference",
        "engine.accounting.ledger_snapshot",
        "        changed_assets=_moved(tables, known),\n",
        "",
        also=(
            Mutant(
                "one comparison confirms a difference",
                "ledger.confirmation",
                "    times, span_ms = (\n",
                "    if not difference.shortfall:\n        return True\n    times, span_ms = (\n",
            ),
        ),
        found_by=Seed(50),
    ),
    # Emergency stop
    Mutant(
        "an emergency stop cancels entries only",
        _STOP,
        "        return await self._complete(self._halt(text, _is_any))",
        "        return await self._complete(self._halt(text, _is_entry))",
        found_by=Golden("cancel-all"),
    ),
    Mutant(
        "a halt is only in memory",
        _STATE,
        "        row = self._begin(self._write_row())\n"
        "        if not self._is_durable():\n            await asyncio.shield(row)\n",
        "",
        also=(Mutant("no file", _STATE, "        await self._write_file()\n", ""),),
        found_by=Golden("kill", at_call=188, is_after=False),
    ),
    Mutant(
        "the stop does not follow the position",
        _BOOKING,
        "        return msgspec.structs.replace(intent, quantity=position.remaining)",
        "        return intent",
        found_by=Saved("clock-step-during-a-start"),
    ),
    Mutant(
        "fills of the last attempt do not count",
        "engine.entries.entry_orders",
        "        return spent(self._intent, orders) +",
        "        return spent(self._intent, tuple(one for one in orders if one != last)) +",
        found_by=Saved("late-response-of-a-partial-fill"),
    ),
    Mutant(
        "orders marked before the clock is measured get no fence",
        _RECONCILER,
        "        if any(_is_without_fence(order) for",
        "        if not any(_is_without_fence(order) for",
        found_by=Saved("clock-step-during-a-start"),
    ),
    Mutant(
        "trades count for the wrong side",
        _BOOKING,
        "    sign = 1 if order.side is Side.BUY else -1",
        "    sign = 1",
        found_by=Golden("clean"),
    ),
)
