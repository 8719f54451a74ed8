"""Server side of one WebSocket connection: topics, idle rules and outgoing messages."""

import asyncio
from collections import deque
from collections.abc import Callable

from mexc_tui.practice.faults import Faults, InjectedFault
from mexc_tui.practice.scenario import FaultKind, Knobs
from mexc_tui.practice.streams.channels import ChannelTopic
from mexc_tui.practice.streams.frames import PONG, TEXT, close_frame, frame

MAX_BACKLOG = 8 * 1024 * 1024
"""Unread bytes after which a slow client is disconnected."""


class StreamConnection:
    """Writes frames directly to the transport, one write per flush; never waits for a client."""

    def __init__(
        self, *, transport: asyncio.Transport, now_ms: Callable[[], int], faults: Faults, listen_key: str = ""
    ) -> None:
        self.listen_key = listen_key
        self.topics: dict[str, ChannelTopic] = {}
        self._transport = transport
        self._now_ms = now_ms
        self._faults = faults
        self._out: list[bytes] = []
        self._delayed: list[bytes] = []
        self._received_ms: deque[int] = deque()
        self._is_half_open = False
        self._opened_ms = now_ms()
        self._without_topics_ms = self._opened_ms
        self._active_ms = self._opened_ms

    # Sending

    def push(self, channel: str, data: bytes) -> None:
        """Queue a frame of a topic; faults are applied here."""
        if self._faults.affects_pushes:
            for hit in self._faults.of_push(self._now_ms(), channel):
                if self._apply_fault(hit, data):
                    return
        self._out.append(data)
        if self._delayed:
            self._release()

    def answer(self, text: str) -> None:
        """Send a control reply."""
        self._out.append(frame(text.encode("utf-8"), TEXT))
        self.flush()

    def pong(self, data: bytes) -> None:
        """Reply to a protocol-level ping."""
        self._out.append(frame(bytes(data), PONG))
        self.flush()

    def flush(self) -> None:
        """Write the queued frames; disconnect a client that does not read."""
        out, self._out = self._out, []
        if not out or self._is_half_open or self._transport.is_closing():
            return
        self._active_ms = self._now_ms()
        self._transport.write(b"".join(out))
        if self._transport.get_write_buffer_size() > MAX_BACKLOG:
            self._transport.abort()

    def _apply_fault(self, hit: InjectedFault, data: bytes) -> bool:
        """Apply a fault to a push; return whether nothing remains to be sent now."""
        if hit.kind is FaultKind.DUPLICATE_PUSH:
            self._out.append(data)
            return False
        if hit.kind is FaultKind.DELAY:
            asyncio.get_running_loop().call_later(hit.amount_ms / 1000, self._send_late, data)
        elif hit.kind is FaultKind.REORDER_PUSH:
            self._delayed.append(data)
        elif hit.kind is FaultKind.HALF_OPEN:
            self._is_half_open = True
        elif hit.kind is FaultKind.RESET:
            self._transport.write(data[: len(data) // 2])
            self._transport.abort()
        return True

    def _send_late(self, data: bytes) -> None:
        self._out.append(data)
        self.flush()

    def _release(self) -> None:
        delayed, self._delayed = self._delayed, []
        self._out.extend(delayed)

    # Receiving

    def is_within_rate(self, limit: int) -> bool:
        """Count a message of the client; False: more than `limit` within a second."""
        now_ms = self._now_ms()
        self._active_ms = now_ms
        while self._received_ms and self._received_ms[0] <= now_ms - 1000:
            self._received_ms.popleft()
        self._received_ms.append(now_ms)
        return len(self._received_ms) <= limit

    def add(self, topic: ChannelTopic) -> None:
        """Add a subscription."""
        self.topics[topic.text] = topic
        self._active_ms = self._now_ms()

    def remove(self, text: str) -> ChannelTopic | None:
        """Remove a subscription; None: there was none."""
        topic = self.topics.pop(text, None)
        if not self.topics:
            self._without_topics_ms = self._now_ms()
        return topic

    # Closing

    def is_over(self, knobs: Knobs) -> bool:
        """Whether the connection is due to close (protocol 7.1): no topic, no data, or too old."""
        now_ms = self._now_ms()
        if now_ms - self._opened_ms >= knobs.socket_lifetime_s * 1000:
            return True
        if not self.topics:
            return now_ms - self._without_topics_ms >= knobs.no_subscription_close_s * 1000
        return now_ms - self._active_ms >= knobs.no_data_close_s * 1000

    def close(self, *, with_frame: bool, even_half_open: bool = False) -> None:
        """Close the connection, with a close frame or without; a half-open one only if `even_half_open`."""
        if with_frame:
            self._out.append(close_frame())
            self.flush()
        if even_half_open or not self._is_half_open:
            self._transport.close()

    def release_delayed(self) -> None:
        """Send the frames delayed by a reordering fault."""
        if self._delayed:
            self._release()
            self.flush()
