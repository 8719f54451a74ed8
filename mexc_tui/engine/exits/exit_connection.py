"""Send exit orders over a dedicated warm connection while a position is open, else over an ordinary one."""

import logging
from collections.abc import Callable

from mexc_tui.engine.orders.execution import Execution, SendResult
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import Intent
from mexc_tui.model.order import NewOrder
from mexc_tui.model.outcome import Purpose
from mexc_tui.ports.trading import FiringLine, TradingPort

log = logging.getLogger(__name__)


class ExitConnection:
    """One connection for all positions; orders sent while it is busy use one of their own."""

    def __init__(self, trading: TradingPort, execution: Execution, window_ms: Callable[[], int]) -> None:
        """`window_ms`: recvWindow of an order."""
        self._trading = trading
        self._execution = execution
        self._window_ms = window_ms
        self._line: FiringLine | None = None

    @property
    def is_warm(self) -> bool:
        """Whether a stop can be sent without connecting first."""
        return self._line is not None and self._line.is_warm

    async def keep_warm(self) -> None:
        """Connect if necessary. A failure is logged: sales then use an ordinary connection."""
        self._line = self._line or self._trading.line()
        if self._line.is_warm:
            return
        try:
            await self._line.warm()
        except ExchangeError as error:
            log.info("the exit connection is not available: %s", error)

    async def send(self, intent: Intent, order: NewOrder, *, is_hot: bool) -> SendResult:
        """Send one attempt of a sale. `is_hot`: over the warm connection, if any."""
        line = self._line
        if not is_hot or line is None or not line.is_warm:
            return await self._execution.place(intent, order)
        request = line.prepare(
            order,
            purpose=Purpose.STOP,
            timestamp_ms=self._trading.now_ms(),
            recv_window_ms=self._window_ms(),
        )
        return await self._execution.fire(intent, line, request)

    async def close(self) -> None:
        """Close the connection."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()
