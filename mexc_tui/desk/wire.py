"""Frames: four bytes of length, big end first, then one message as JSON.

JSON and not msgpack: facts lie in the journal as JSON and pass through untouched, money is text in both, and
what goes over the socket can be read by eye.
"""

import asyncio
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from mexc_tui.desk.api_types import Args, CommandKind, CommandOutcome, FrontEndError, Reply, Result, Role

PROTOCOL = 1
MAX_FRAME = 256 * 1024
"""Bytes of one message, its length not counted; the same in both directions."""
SAME_RELEASE = "Run both from the same release."
FRAME_S = 5.0
"""So long may a frame take from its first byte to its last."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.-]{0,63}\Z")]
CommandId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}\Z")]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

_Message = TypeVar("_Message")

NO_RESULT = msgspec.Raw(b"null")


class FromViewer(msgspec.Struct, frozen=True, kw_only=True, tag_field="is", forbid_unknown_fields=True):
    """What a viewer may say."""


class Hello(FromViewer, frozen=True, kw_only=True, tag="hello"):
    """The first message of a connection. `role` is the requested role."""

    protocol: int
    role: Role
    who: Who


class Subscribe(FromViewer, frozen=True, kw_only=True, tag="subscribe"):
    """Show a view: changes behind version `after` of the engine `of`, or all of it (0). Again: resync."""

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
    """When its giver stops waiting: not begun after that."""
    args: msgspec.Raw


class FromEngine(msgspec.Struct, frozen=True, kw_only=True, tag_field="is"):
    """What the engine may say. Fields may be added."""


class Welcome(FromEngine, frozen=True, kw_only=True, tag="welcome"):
    """The answer to a hello. `engine` is another for each start; `role` is what the viewer now is."""

    protocol: int
    engine: str
    pid: int
    profile: str
    mode: str
    role: Role
    head: int
    """Number of the newest fact."""


class Changes(FromEngine, frozen=True, kw_only=True, tag="changes"):
    """Part of a view. It leads from version `after` to `upto`; what is not named has not changed.

    `reset` begins from nothing. While `more` is set the parts belong together: only behind the last one is
    the viewer's copy equal to the engine's.
    """

    view: str
    after: int
    upto: int
    reset: bool
    more: bool
    rows: dict[str, msgspec.Raw]
    gone: list[str]


class FactMessage(msgspec.Struct, frozen=True, array_like=True):
    """A fact and its number."""

    sequence: int
    event: msgspec.Raw


class Facts(FromEngine, frozen=True, kw_only=True, tag="facts"):
    """Facts in order, without a gap to those before."""

    facts: list[FactMessage]


class CommandResponse(FromEngine, frozen=True, kw_only=True, tag="answer"):
    """Outcome of a command."""

    id: str
    outcome: CommandOutcome
    words: str
    result: msgspec.Raw = NO_RESULT
    is_repeated: bool = False
    age_ms: int = 0
    """How old the result is."""


class RefusedMessage(FromEngine, frozen=True, kw_only=True, tag="refused"):
    """A message was not accepted. `about` is hello, frame, facts or the name of a view."""

    about: str
    words: str


class Beat(FromEngine, frozen=True, kw_only=True, tag="beat"):
    """The engine is alive. Sent when there was nothing else to say for a second."""

    at_ms: int


ViewerMessage: TypeAlias = Hello | Subscribe | Follow | CommandMessage
EngineMessage: TypeAlias = Welcome | Changes | Facts | CommandResponse | RefusedMessage | Beat


class ProtocolError(FrontEndError):
    """The other side sent no message of this protocol.

    Raised by both ends of the socket. Close the connection and connect again.
    """


_encoder = msgspec.json.Encoder(decimal_format="string")
_from_viewer = msgspec.json.Decoder[ViewerMessage](ViewerMessage)
_from_engine = msgspec.json.Decoder[EngineMessage](EngineMessage)


def encode(value: object) -> bytes:
    """Return a value as JSON, Decimals as text."""
    return _encoder.encode(value)


def raw(value: object) -> msgspec.Raw:
    """Return a value as a part of a message."""
    return msgspec.Raw(encode(value))


def reply_to(answer: CommandResponse, kind: CommandKind[Args, Result]) -> Reply[Result]:
    """Return an answer for the one who gave the command. Raises ProtocolError if its result is another's."""
    try:
        result = None if answer.result == NO_RESULT else msgspec.json.decode(answer.result, type=kind.result)
    except msgspec.DecodeError as error:
        words = f"The response to {kind.name} is unknown to this front end ({error}). {SAME_RELEASE}"
        raise ProtocolError(words) from None
    return Reply(answer.outcome, answer.words, result, answer.is_repeated, answer.age_ms)


def frame(message: FromViewer | FromEngine) -> bytes:
    """Return a message as it goes over the socket. Raises ProtocolError if it is too large."""
    body = encode(message)
    if len(body) > MAX_FRAME:
        raise ProtocolError(f"A message of {len(body):,} bytes: at most {MAX_FRAME:,} are allowed.")
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader, started: float | None = None) -> bytes:
    """Return the next frame's body. It may begin whenever it likes (or within `started` seconds).

    Raises ProtocolError for a length that cannot be, TimeoutError for a frame that is not finished in time,
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
