"""Sends one HTTP request within a deadline: TLS verified, no redirects, no proxies of the environment."""

from types import TracebackType
from typing import Self

import aiohttp

from mexc_tui.model.errors import DeskError
from mexc_tui.notify.messages import HttpMessage

DEADLINE_S = 10.0


class DeliveryFailed(DeskError):
    """A channel did not accept a notification. The text holds no address, header or response.

    Raised by channels. Try again later, not before `retry_after_s` if the channel asked for a pause.
    """

    def __init__(self, problem: str, retry_after_s: float | None = None) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


class HttpSender:
    """Sends requests with one session. Use it as an async context manager."""

    def __init__(
        self, connector: aiohttp.BaseConnector | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        """Own `connector`, None: real sockets. Needs a running event loop."""
        timeout = aiohttp.ClientTimeout(total=deadline_s)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ping(self, url: str) -> None:
        """Send an empty POST request. Raises DeliveryFailed."""
        await self.send(HttpMessage(url, b"", {}))

    async def send(self, message: HttpMessage) -> None:
        """Send a request; return once a status 2xx was received. The response's body is not read.

        Raises DeliveryFailed.
        """
        try:
            async with self._session.post(
                message.url, data=message.body, headers=message.headers, allow_redirects=False
            ) as response:
                status, pause = response.status, response.headers.get("Retry-After", "")
                response.close()  # the body may be endless
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            # Its text may contain the address, which is a secret.
            problem = "no response in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise DeliveryFailed(f"Not sent: {problem}.") from None
        if not 200 <= status < 300:
            raise DeliveryFailed(f"Refused with status {status}.", _seconds(pause))


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
