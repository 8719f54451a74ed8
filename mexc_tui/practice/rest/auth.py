"""Access checks: content type, key, address, time, signature, rights, in the order of protocol 2.4."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.params import SIGNATURE, Params, mandatory
from mexc_tui.practice.scenario import AccountPlan

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
AHEAD_MS = 1_000
"""Timestamps must be less than this ahead of the exchange's clock."""

_KEY = re.compile(r"mx0[a-zA-Z0-9]{15}")


class KeyPermission(StrEnum):
    """Rights of a key (protocol 2.6)."""

    ACCOUNT_READ = "SPOT_ACCOUNT_READ"
    ACCOUNT_WRITE = "SPOT_ACCOUNT_WRITE"
    DEAL_READ = "SPOT_DEAL_READ"
    DEAL_WRITE = "SPOT_DEAL_WRITE"
    TRANSFER_READ = "SPOT_TRANSFER_READ"
    TRANSFER_WRITE = "SPOT_TRANSFER_WRITE"
    WITHDRAW_READ = "SPOT_WITHDRAW_READ"
    WITHDRAW_WRITE = "SPOT_WITHDRAW_WRITE"


@dataclass(frozen=True, slots=True)
class SignedCall:
    """Fields of a request that authentication checks. `key` is None without the header."""

    method: str
    content_type: str
    key: str | None
    address: str
    params: Params


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Requirements of an endpoint for a signed call."""

    permission: KeyPermission | None = None
    mandatory: Sequence[str] = ()
    of_pair: bool = False
    """Whether the key's list of pairs applies."""


class Authenticator:
    """Authenticates signed calls against the one key of this exchange."""

    def __init__(self, key: str, secret: str, plan: AccountPlan, *, strict: bool = False) -> None:
        self.key = key
        self._secret = secret.encode("ascii")
        self._plan = plan
        self._strict = strict

    def check(self, call: SignedCall, demand: AccessRules, now_ms: int) -> None:
        """Check a call; raises the PracticeRefusal that MEXC would return."""
        if call.method != "GET" and not call.content_type.lower().startswith("application/json"):
            raise PracticeRefusal(700013, "Invalid content Type.")
        self._check_key(call.key, call.address)
        for name in (SIGNATURE, "timestamp", *demand.mandatory):
            call.params.need(name)
        _check_time(call.params, now_ms)
        if not self._signature_fits(call.params):
            raise PracticeRefusal(700002, "Signature for this request is not valid.")
        self._check_rights(call.params, demand)

    def _check_key(self, key: str | None, address: str) -> None:
        if not key:
            raise PracticeRefusal(400, "api key required")
        if not _KEY.fullmatch(key):
            raise PracticeRefusal(700001, "API-key format invalid")
        if key != self.key:
            raise PracticeRefusal(10072, "Api key info invalid")
        if self._plan.ips and address not in self._plan.ips:
            raise PracticeRefusal(700006, f"IP [{address}] not in the ip white list")

    def _signature_fits(self, params: Params) -> bool:
        """Compare with each text that the signature may cover; strict mode rejects the decoded one."""
        given = params.get(SIGNATURE).encode("utf-8", "surrogateescape")
        for how, text in params.signed_texts():
            if how == "decoded" and self._strict:
                continue
            digest = hmac.digest(self._secret, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()
            if hmac.compare_digest(digest.encode("ascii"), given):
                return True
        return False

    def _check_rights(self, params: Params, demand: AccessRules) -> None:
        if demand.permission is not None and demand.permission not in self._plan.permissions:
            raise PracticeRefusal(700007, "No permission to access the endpoint")
        symbol = params.get("symbol")
        if demand.of_pair and self._plan.pairs and symbol and symbol not in self._plan.pairs:
            raise PracticeRefusal(70011, "Pair user ban trade apikey.")


def _check_time(params: Params, now_ms: int) -> None:
    window_ms = params.whole("recvWindow")
    if window_ms is None:
        window_ms = DEFAULT_WINDOW_MS
    if window_ms > MAX_WINDOW_MS:
        raise PracticeRefusal(700005, "recvWindow must less than 60000")
    timestamp_ms = params.whole("timestamp")
    if timestamp_ms is None:
        raise mandatory("timestamp")
    if not (timestamp_ms < now_ms + AHEAD_MS and now_ms - timestamp_ms <= window_ms):
        raise PracticeRefusal(700003, "Timestamp for this request is outside of the recvWindow.")


def credentials(seed: int, session: str) -> tuple[str, str]:
    """Generate (access key, secret) of a session: 18 characters from `mx0v`, and 32 hex (protocol 2.3)."""
    digest = hashlib.sha256(f"practice key {seed} {session}".encode()).hexdigest()
    return "mx0v" + digest[:14], digest[32:]
