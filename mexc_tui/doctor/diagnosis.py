"""Runs every check of a profile, each on its own, in a fixed order."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mexc_tui.app.endpoints import LoadedKey, StartError
from mexc_tui.app.launch_options import selected_endpoint, with_stored_key
from mexc_tui.doctor import machine_probes
from mexc_tui.doctor.check import Check, fail, ok
from mexc_tui.doctor.engine_checks import check_engine, check_no_engine
from mexc_tui.doctor.exchange_probes import ExchangeAccess, probe_exchange
from mexc_tui.doctor.isolation import isolated, isolated_now
from mexc_tui.host.keys.record import CredentialsError, StorageKind
from mexc_tui.host.keys.stored_keys import StoredKeys
from mexc_tui.host.paths import Paths
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.mode import Mode
from mexc_tui.model.view import StatusRow
from mexc_tui.ports.clock import Clock

NETWORK_DEADLINE_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisInput:
    """What is examined: one profile, its mode, and its engine."""

    paths: Paths
    mode: Mode
    clock: Clock
    environ: Mapping[str, str]
    user: str
    exchange_file: Path | None
    """Exchange on this machine; None: MEXC, or in practice mode none."""
    settings_problem: str
    """Why the settings cannot be read; empty: they can."""
    engine: StatusRow | None
    """Status of the running engine; None: none responds."""
    absence: tuple[str, bool] = ("", False)
    """Why no engine responds, and whether a process holds the profile."""
    with_books: bool = False


def diagnose(given: DiagnosisInput) -> list[Check]:
    """Return all checks. Blocks for some seconds; every error is a line of the result."""
    paths, found = given.paths, list[Check]()
    today = datetime.fromtimestamp(given.clock.now_ms() / 1_000, UTC).date()
    local: tuple[tuple[str, Callable[[], Check | list[Check]]], ...] = (
        ("versions", machine_probes.probe_versions),
        ("settings", lambda: _settings(given)),
        ("files", lambda: machine_probes.probe_files(paths)),
        ("disk", lambda: machine_probes.probe_disk(paths)),
        (
            "database",
            lambda: machine_probes.probe_database(paths, given.clock, with_books=given.with_books),
        ),
        ("terminal", lambda: machine_probes.probe_terminal(given.environ)),
        ("service", lambda: machine_probes.probe_service(paths.profile, given.user)),
        ("engine", lambda: _engine(given)),
    )
    for name, work in local:
        found += isolated_now(name, work)
    if given.mode is Mode.LIVE:
        found += isolated_now("key", lambda: machine_probes.probe_key(paths.profile, today))
    return found + asyncio.run(isolated("exchange", _exchange(given), NETWORK_DEADLINE_S))


def _settings(given: DiagnosisInput) -> Check:
    if given.settings_problem:
        return fail("settings", given.settings_problem, f"Correct {given.paths.settings}")
    return ok("settings", f"Valid; profile {given.paths.profile}, mode {given.mode.value}.")


def _engine(given: DiagnosisInput) -> list[Check]:
    if given.engine is not None:
        return check_engine(given.engine)
    reason, is_held = given.absence
    return [check_no_engine(reason, is_held=is_held)]


async def _exchange(given: DiagnosisInput) -> list[Check]:
    if given.mode is Mode.PRACTICE and given.exchange_file is None:
        return [ok("exchange", "The practice exchange runs with the engine: no network is needed.")]
    endpoint = await asyncio.to_thread(selected_endpoint, given.exchange_file, given.mode)
    key = None
    if given.mode is Mode.LIVE:
        endpoint, key = await asyncio.to_thread(_with_key, endpoint, given.paths.profile)
    access = ExchangeAccess(endpoint, key, given.paths, given.clock)
    return await probe_exchange(access, None if given.engine is None else given.engine.budget)


def _with_key(endpoint: Endpoint, profile: str) -> tuple[Endpoint, LoadedKey | None]:
    """Return the exchange with the stored key, or without one.

    A missing key is reported by its own check, and an encrypted file is not opened: a passphrase is typed for
    an engine only.
    """
    try:
        if StoredKeys(profile).kind() is StorageKind.FILE:
            return endpoint, None
        return with_stored_key(endpoint, profile)
    except (CredentialsError, StartError):
        return endpoint, None
