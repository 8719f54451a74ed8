"""Decodes binary frames to `Push` (protocol 7.6). Raises only `BadStreamMessage`.

`decode` only parses. `market_messages` and `private_messages` convert numbers on demand.
"""

from google.protobuf.message import DecodeError

from mexc_tui.exchange.streams.topics import StreamTopic
from mexc_tui.model.stream import BadStreamMessage
from mexc_tui.proto.stream_pb2 import Push

__all__ = ["BadStreamMessage", "Push", "channel_bytes", "check", "decode"]

_FIELD_1 = 0x0A
_parse = Push.FromString


def decode(frame: bytes) -> Push:
    """Parse one binary frame. Raises BadStreamMessage if it is not a push message."""
    try:
        return _parse(frame)
    except DecodeError:
        raise BadStreamMessage(f"{len(frame)} bytes that are not a stream message") from None


def channel_bytes(frame: bytes) -> bytes:
    """Return the channel text if it is the first field of the frame, as usual; else b"".

    Allows routing without parsing. The parsed message is authoritative.
    """
    if len(frame) > 2 and frame[0] == _FIELD_1 and frame[1] < 0x80:
        return frame[2 : 2 + frame[1]]
    return b""


def check(topic: StreamTopic, push: Push) -> bool:
    """Return whether `push` has a known body; ignore it otherwise (reliability M8).

    Raises BadStreamMessage if it belongs to another topic, symbol or message type.
    """
    if push.channel != topic.channel:
        raise BadStreamMessage(f"a message of another channel on {topic.channel}")
    if topic.symbol and push.symbol not in ("", topic.symbol):
        raise BadStreamMessage(f"a message about another symbol on {topic.channel}")
    if push.HasField(topic.kind.body):  # pyright: ignore[reportArgumentType]
        return True
    if push.WhichOneof("body") is None:
        return False
    raise BadStreamMessage(f"a body of another kind on {topic.channel}")
