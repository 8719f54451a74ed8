"""Messages of the desk API: frames of a four-byte big-endian length and one JSON message.

JSON, because events are stored as JSON and passed through unchanged, amounts are text in both, and the
traffic is readable.
"""

import asyncio
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from mexc_tui.desk.api_types import Args, CommandKind, CommandOutcome, FrontEndError, Reply, Result, Role

PROTOCOL = 1
MAX_FRAME = 256 * 1024
"""Maximum bytes of one message without its length, in both directions."""
SAME_RELEASE = "Run both from the same release."
FRAME_S = 5.0
"""Maximum time from the first byte of a frame to its last."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,63}\Z")]
CommandId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}\Z")]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

_Message = TypeVar("_Message")

NO_RESULT = msgspec.Raw(b"null")


class FromViewer(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", forbid_unknown_fields=True):
    """Base of messages from a viewer."""


class Hello(FromViewer, frozen=True, kw_only=True, tag="hello"):
    """The first message of a connection. `role` is the requested role."""

    protocol: int
    role: Role
    who: Who


class Subscribe(FromViewer, frozen=True, kw_only=True, tag="subscribe"):
    """Subscribe to a view: changes after version `after` of engine `of`, or all (0). Repeat to resync."""

    view: Name
    after: Number = 0
    of: str = ""


class Follow(FromViewer, frozen=True, kw_only=True, tag="follow"):
    """Subscribe to all events after this number."""

    after: Number


class CommandMessage(FromViewer, frozen=True, kw_only=True, tag="give"):
    """A command. Times are Unix milliseconds of this machine."""

    id: CommandId
    name: Name
    at_ms: Number
    until_ms: Number
    """Deadline of the sender; the command is not started after it."""
    args: msgspec.Raw


class FromEngine(msgspec.Struct, frozen=True, kw_only=True, tag_field="is"):
    """Base of messages from the engine. Fields may be added."""


class Welcome(FromEngine, frozen=True, kw_only=True, tag="welcome"):
    """Response to a hello. `engine` is unique per start; `role` is the granted role."""

    protocol: int
    engine: str
    pid: int
    profile: str
    mode: str
    role: Role
    head: int
    """Number of the newest event."""


class Changes(FromEngine, frozen=True, kw_only=True, tag="changes"):
    """Changes of a view from version `after` to `upto`; other rows are unchanged.

    `reset` starts from an empty view. Parts with `more` belong together: the copy is consistent only after
    the last one.
    """

    view: str
    after: int
    upto: int
    reset: bool
    more: bool
    rows: dict[str, msgspec.Raw]
    gone: list[str]


class FactMessage(msgspec.Struct, frozen=True, array_like=True):
    """An event and its number."""

    sequence: int
    event: msgspec.Raw


class Facts(FromEngine, frozen=True, kw_only=True, tag="facts"):
    """Events in order, without a gap to the previous ones."""

    facts: list[FactMessage]


class CommandResponse(FromEngine, frozen=True, kw_only=True, tag="answer"):
    """Outcome of a command."""

    id: str
    outcome: CommandOutcome
    words: str
    result: msgspec.Raw = NO_RESULT
    is_repeated: bool = False
    age_ms: int = 0
    """Age of the result."""


class RefusedMessage(FromEngine, frozen=True, kw_only=True, tag="refused"):
    """A message was not accepted. `about` is hello, frame, facts or the name of a view."""

    about: str
    words: str


class Beat(FromEngine, frozen=True, kw_only=True, tag="beat"):
    """Heartbeat, sent after a second without another message."""

    at_ms: int


ViewerMessage: TypeAlias = Hello | Subscribe | Follow | CommandMessage
EngineMessage: TypeAlias = Welcome | Changes | Facts | CommandResponse | RefusedMessage | Beat


class ProtocolError(FrontEndError):
    """The peer sent an invalid message.

    Raised by both ends of the socket. Close the connection and connect again.
    """


_encoder = msgspec.json.Encoder(decimal_format="string")
_from_viewer = msgspec.json.Decoder[ViewerMessage](ViewerMessage)
_from_engine = msgspec.json.Decoder[EngineMessage](EngineMessage)


def encode(value: object) -> bytes:
    """Return a value as JSON, Decimals as text."""
    return _encoder.encode(value)


def raw(value: object) -> msgspec.Raw:
    """Return a value as raw JSON for a message."""
    return msgspec.Raw(encode(value))


def reply_to(answer: CommandResponse, kind: CommandKind[Args, Result]) -> Reply[Result]:
    """Convert a response to a reply. Raises ProtocolError if its result has another type."""
    try:
        result = None if answer.result == NO_RESULT else msgspec.json.decode(answer.result, type=kind.result)
    except msgspec.DecodeError as error:
        text = f"The response to {kind.name} is unknown to this front end ({error}). {SAME_RELEASE}"
        raise ProtocolError(text) from None
    return Reply(answer.outcome, answer.words, result, answer.is_repeated, answer.age_ms)


def frame(message: FromViewer | FromEngine) -> bytes:
    """Return the frame of a message. Raises ProtocolError if it is too large."""
    body = encode(message)
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"A message of {len(body):,} bytes: at most {MAX_FRAME:,} are allowed.")
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader, started: float | None = None) -> bytes:
    """Return the body of the next frame; `started` limits the wait for its first byte, in seconds.

    Raises ProtocolError for an invalid length, TimeoutError for a frame that is not completed in time,
    IncompleteReadError at the end of the connection.
    """
    async with asyncio.timeout(started):
        first = await reader.readexactly(1)
    async with asyncio.timeout(FRAME_S):
        length = int.from_bytes(first + await reader.readexactly(3), "big")
        if not 2 <= length <= MAX_FRAME:
            raise ProtocolError(f"A frame of {length:,} bytes: between 2 and {MAX_FRAME:,} are allowed.")
        return await reader.readexactly(length)


def from_viewer(body: bytes) -> ViewerMessage:
    """Decode a viewer's message. Raises ProtocolError."""
    return _decode(_from_viewer, body)


def from_engine(body: bytes) -> EngineMessage:
    """Decode an engine's message. Raises ProtocolError."""
    return _decode(_from_engine, body)


def _decode(decoder: "msgspec.json.Decoder[_Message]", body: bytes) -> _Message:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"Not a message of this protocol: {error}") from None
