"""A pair of connected transports that behave like TCP: order, flow control, late error reports."""

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from enum import Enum
from typing import Any, Protocol, cast

SOCKET_BUFFER = 256 * 1024
"""Bytes that the kernel buffers before the program's own buffer fills."""
PIECE = 64 * 1024
"""Largest piece that arrives at once; a reader can pause between pieces."""
HIGH_WATER = 64 * 1024
LOW_WATER = 16 * 1024


class Direction(Enum):
    """Direction of bytes."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


class NetworkPath(Protocol):
    """Requirements of a connection for its host."""

    lost: set[Direction]
    reset_after: dict[Direction, int]
    name: str
    port: int
    ends: "list[WireEnd]"
    on_client_write: Callable[[bytes], None] | None
    after_client_write: Callable[[], None] | None

    def draw_latency_s(self) -> float:
        """Return the latency of the next piece."""
        ...

    def note(self, number: int, what: str, size: int) -> None:
        """Write a line of history."""
        ...


class WireEnd(asyncio.Transport):
    """One end of a connection. Written data arrives at `peer` after the latency of the path."""

    peer: "WireEnd"

    def __init__(
        self,
        *,
        path: NetworkPath,
        number: int,
        direction: Direction,
        protocol: asyncio.Protocol,
        extra: dict[str, Any],
    ) -> None:
        super().__init__(extra)
        self.number = number
        self.sent = 0
        """Bytes written so far."""
        self._path = path
        self._direction = direction
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._in_transit: deque[tuple[float, bytes | None]] = deque()
        """When each piece arrives; an empty piece is the end of the stream, None a reset."""
        self._unread = 0
        self._handle: asyncio.Handle | None = None
        self._closing = self._is_lost = False
        self._peer_must_wait = False
        self._reading = True
        # Of the program at this end: what one program writes must not run the other in its context.
        self._context = copy_context()

    # Interface of asyncio transports

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a copy of `data`; nothing if the connection is closing."""
        piece = bytes(data)
        if self._closing or not piece:
            return
        is_client = self._direction is Direction.TO_SERVER
        if is_client and self._path.on_client_write is not None:
            self._path.on_client_write(piece)
        self._write(piece)
        if is_client and self._path.after_client_write is not None:
            self._path.after_client_write()

    def _write(self, piece: bytes) -> None:
        limit = self._path.reset_after.get(self._direction)
        if limit is not None and self.sent + len(piece) >= limit:
            self._push(piece[: max(0, limit - self.sent)])
            self._send(None)
            return
        self._push(piece)
        if not self._peer_must_wait and self.get_write_buffer_size() > HIGH_WATER:
            self._peer_must_wait = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        """Send all pieces as one."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the kernel would not have accepted yet."""
        return max(0, self._unread - SOCKET_BUFFER)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the limits at which writing pauses and resumes."""
        return LOW_WATER, HIGH_WATER

    def can_write_eof(self) -> bool:
        """Return False: HTTP needs no half-closed connection."""
        return False

    def pause_reading(self) -> None:
        """Buffer arriving data."""
        self._reading = False

    def resume_reading(self) -> None:
        """Resume reading."""
        self._reading = True
        self.peer.wake()

    def is_reading(self) -> bool:
        """Whether arriving data is delivered."""
        return self._reading and not self._closing

    def is_closing(self) -> bool:
        """Whether this end is closed or about to be."""
        return self._closing

    def close(self) -> None:
        """Send the written data, then the end of the stream."""
        if not self._closing:
            self._closing = True
            self._send(b"")
            self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        """Close; written data is still sent, as from a kernel's buffer."""
        self.close()

    def use_context(self, context: Context) -> None:
        """Run the protocol of this end in this context."""
        self._context = context

    # Network events

    def reset(self) -> None:
        """Abort the connection at both ends immediately."""
        if self._is_lost and self.peer._is_lost:
            return
        self._path.note(self.number, "reset", 0)
        for end in (self, self.peer):
            end._closing = True
            end._lose(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))

    def wake(self) -> None:
        """Deliver the data in transit that may arrive now."""
        if self._handle is not None or not self._in_transit or not self._can_deliver():
            return
        due_s = self._in_transit[0][0]
        if due_s <= self._loop.time():
            self._handle = self._loop.call_soon(self._arrive, context=self.peer._context)
        else:
            self._handle = self._loop.call_at(due_s, self._arrive, context=self.peer._context)

    def _push(self, piece: bytes) -> None:
        self.sent += len(piece)
        self._unread += len(piece)
        for start in range(0, len(piece), PIECE):
            self._send(piece[start : start + PIECE])

    def _send(self, piece: bytes | None) -> None:
        self._path.note(self.number, self._direction.value, len(piece or b""))
        due_s = self._loop.time() + self._path.draw_latency_s()
        if self._in_transit:
            due_s = max(due_s, self._in_transit[-1][0])
        self._in_transit.append((due_s, piece))
        self.wake()

    def _can_deliver(self) -> bool:
        return self._direction not in self._path.lost and (self.peer._reading or self.peer._closing)

    def _arrive(self) -> None:
        self._handle = None
        try:
            while self._in_transit and self._can_deliver() and self._in_transit[0][0] <= self._loop.time():
                self._deliver_data(self._in_transit.popleft()[1])
        finally:
            self.wake()

    def _deliver_data(self, piece: bytes | None) -> None:
        if piece is None:
            self.reset()
            return
        self._unread -= len(piece)
        if self._peer_must_wait and self.get_write_buffer_size() <= LOW_WATER:
            self._peer_must_wait = False
            if not self._is_lost:
                self._protocol.resume_writing()
        peer = self.peer
        if peer._closing:
            return
        if piece:
            peer._protocol.data_received(piece)
        elif not peer._protocol.eof_received():
            peer.close()

    def _lose(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        if error is not None:
            self._in_transit.clear()
        if self.peer._is_lost:
            self._path.ends[:] = [end for end in self._path.ends if end is not self and end is not self.peer]
        self._protocol.connection_lost(error)


def join(
    path: NetworkPath,
    number: int,
    client: asyncio.Protocol,
    *,
    server: asyncio.Protocol,
    tls: bool,
    context: Context,
) -> WireEnd:
    """Connect two protocols and return the client's end. A TLS connection is only marked as one."""
    here, there = ("127.0.0.1", 40_000 + number), (path.name, path.port)
    marks: dict[str, Any] = {"sslcontext": object()} if tls else {}
    near = WireEnd(
        path=path,
        number=number,
        direction=Direction.TO_SERVER,
        protocol=client,
        extra={"sockname": here, "peername": there, **marks},
    )
    far = WireEnd(
        path=path,
        number=number,
        direction=Direction.TO_CLIENT,
        protocol=server,
        extra={"sockname": there, "peername": here, **marks},
    )
    near.peer, far.peer = far, near
    far.use_context(context)
    context.run(server.connection_made, far)
    client.connection_made(near)
    return near
