"""One HTTP request, one capped answer, or one of two errors: nothing left, or no usable answer came back.

Redirects are never followed, nothing is ever sent twice, and no error text holds a URL or a header.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import SimpleNamespace, TracebackType
from typing import Self

import aiohttp
from yarl import URL

from mexc_tui.model.errors import NoAnswer, NothingSent

CAP_BYTES = 8 * 1024 * 1024
"""Enough for everything; exchangeInfo is about 1.6 MB (reference 1)."""

KEEPALIVE_S = 30.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came. `retry_after_s` is None without such a header or if it makes no sense."""

    status: int
    body: bytes
    content_type: str = ""
    retry_after_s: float | None = None


class _Sending:
    """Whether bytes of one request may have left."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = False


class _SentBefore(aiohttp.ClientError):
    """aiohttp was about to send a request a second time: it does so when a kept connection turns out dead."""


class _Unreadable(Exception):
    """An answer that is too large or whose packing cannot be undone. The text says which."""


async def _before_bytes_leave(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    """Run by aiohttp after the connection stands and before the first byte is written."""
    sending: _Sending = context.trace_request_ctx
    if sending.left:
        raise _SentBefore
    sending.left = True


def _trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_before_bytes_leave)
    return trace


def default_connector() -> aiohttp.TCPConnector:
    """Return a connector with TLS checked (there is no switch) and connections kept for half a minute."""
    return aiohttp.TCPConnector(limit=64, ttl_dns_cache=300, keepalive_timeout=KEEPALIVE_S)


class HttpTransport:
    """Sends over one session. Close it, or use it as an async context."""

    def __init__(self, connector: aiohttp.BaseConnector | None = None) -> None:
        """Take a connector, which closes with the transport. Needs a running loop."""
        self._session = aiohttp.ClientSession(
            connector=connector or default_connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_trace()],
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self,
        method: str,
        origin: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        *,
        deadline_s: float,
        cap_bytes: int = CAP_BYTES,
    ) -> RawAnswer:
        """Send `query`, already encoded, byte for byte; answer within `deadline_s`, whatever the server does.

        Raises NothingSent if no byte left, NoAnswer if some may have.
        """
        sending = _Sending()
        text = f"{origin}{path}?{query}" if query else f"{origin}{path}"
        try:
            async with asyncio.timeout(deadline_s):
                response = await self._session.request(
                    method,
                    URL(text, encoded=True),
                    headers=headers,
                    allow_redirects=False,
                    trace_request_ctx=sending,
                )
                try:
                    body = await _read(response, cap_bytes)
                except BaseException:
                    response.close()
                    raise
        # `from None`: aiohttp's own errors print URLs and headers.
        except TimeoutError:
            problem = f"no complete answer within {deadline_s:g} s"
        except _SentBefore:
            problem = "the connection broke before an answer came"
        except _Unreadable as error:
            problem = str(error)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            problem = _describe(error)
        else:
            return RawAnswer(
                response.status, body, response.content_type, _seconds(response.headers.get("Retry-After"))
            )
        if sending.left:
            raise NoAnswer(method, path, problem) from None
        raise NothingSent(method, path, f"not sent: {problem}") from None


async def _read(response: aiohttp.ClientResponse, cap_bytes: int) -> bytes:
    if (response.content_length or 0) > cap_bytes:
        raise _Unreadable(f"the answer is larger than {cap_bytes} bytes")
    content = response.content
    body = await content.readany()
    if not content.at_eof():
        parts = [body]
        size = len(body)
        while part := await content.readany():
            size += len(part)
            if size > cap_bytes:
                raise _Unreadable(f"the answer is larger than {cap_bytes} bytes")
            parts.append(part)
        body = b"".join(parts)
    if len(body) > cap_bytes:
        raise _Unreadable(f"the answer is larger than {cap_bytes} bytes")
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    return body if packing in ("identity", "") else _unpack(body, packing, cap_bytes)


def _unpack(body: bytes, packing: str, cap_bytes: int) -> bytes:
    """Inflate what we asked not to be packed, never to more than `cap_bytes`."""
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise _Unreadable("the answer is packed in a way that was not asked for")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = inflate.decompress(body, cap_bytes + 1)
    except zlib.error:
        raise _Unreadable("the answer's packing is broken") from None
    if len(plain) > cap_bytes:
        raise _Unreadable(f"the answer inflates to more than {cap_bytes} bytes")
    if not inflate.eof:
        raise _Unreadable("the answer ends in the middle of its packing")
    return plain


def _describe(error: Exception) -> str:
    """Say what happened in words of ours."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "the server could not prove who it is (TLS)"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name could not be found"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "no connection to the server"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | aiohttp.ClientOSError):
        return "the connection broke before an answer came"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke in the middle of the answer"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP"
    return f"the request failed ({type(error).__name__})"


def _seconds(text: str | None) -> float | None:
    """Read a Retry-After in seconds; dates and nonsense are None."""
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and isfinite(seconds) and seconds >= 0 else None
