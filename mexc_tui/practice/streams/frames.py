"""Bytes of a push: a Protobuf message inside an unmasked WebSocket frame.

Serialised Protobuf messages can be concatenated: the constant fields of a topic are encoded once, and fields
are in MEXC's order: 1, 3, 4, 5, 6, body (protocol 7.6).
"""

import struct

from mexc_tui.proto.stream_pb2 import Push

TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PONG = 0xA

_FINAL = 0x80
_SHORT = 126
_MEDIUM = 1 << 16


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """Wrap a payload in a server's WebSocket frame (RFC 6455: unmasked)."""
    size = len(payload)
    if size < _SHORT:
        return bytes((_FINAL | opcode, size)) + payload
    if size < _MEDIUM:
        return struct.pack("!BBH", _FINAL | opcode, 126, size) + payload
    return struct.pack("!BBQ", _FINAL | opcode, 127, size) + payload


def close_frame(code: int = 1000) -> bytes:
    """Return a close frame."""
    return frame(struct.pack("!H", code), CLOSE)


def head(channel: str, symbol: str = "", symbol_id: str = "") -> bytes:
    """Return fields 1, 3 and 4 of a push."""
    push = Push(channel=channel)
    if symbol:
        push.symbol = symbol
    if symbol_id:
        push.symbol_id = symbol_id
    return push.SerializeToString()


def sent_at(now_ms: int) -> bytes:
    """Return field 6, the server's send time."""
    return Push(send_time=now_ms).SerializeToString()


def nested(number: int, payload: bytes) -> bytes:
    """Return a message that is already serialised as field `number` of another."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def created_at(now_ms: int) -> bytes:
    """Return field 5, the time of the event."""
    return Push(create_time=now_ms).SerializeToString()
