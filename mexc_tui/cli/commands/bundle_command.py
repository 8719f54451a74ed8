"""Command `bundle`: a redacted evidence file about one snipe."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mexc_tui.cli.command_runner import NO_ENGINE, NOT_DONE, CommandRunner, command_runner, fail, output_flags

if TYPE_CHECKING:
    from mexc_tui.export.bundle import Manifest
    from mexc_tui.export.evidence import Evidence
    from mexc_tui.host.logs.redaction import Redactor

DEADLINE_S = 600.0
"""The journal of a year is searched completely."""
KEY_UNREAD = "The stored key could not be read, so its value was not searched for; patterns of keys were."


class BundleJson(msgspec.Struct, frozen=True, kw_only=True):
    """A written bundle, as JSON."""

    file: str
    snipe: str
    symbol: str
    files: tuple[str, ...]
    events: int
    log_lines: int


@click.command()
@click.argument("snipe")
@click.option(
    "--to", "target", type=click.Path(path_type=Path), help="Write this new file; default: in this folder."
)
@output_flags
def bundle(snipe: str, target: Path | None, profile: str | None, as_json: bool) -> None:
    """Write a redacted evidence file of a snipe.

    SNIPE is its id, or a pair for its newest snipe. The zip contains its events, orders, fills, prices,
    settings, versions and log lines, and no key or signature. Exit code: 0 written, 1 not, 3 no such snipe.
    """
    from mexc_tui.export.bundle import write_bundle
    from mexc_tui.export.new_file import write_new_file
    from mexc_tui.export.parquet import ExportFailed

    with command_runner(profile, as_json) as runner:
        evidence = _evidence(runner, snipe)
        redactor, notes = _redactor(runner)
        log_lines = _log_lines(runner, evidence, redactor)
        files = _files(runner, evidence, redactor) | {"log.txt": "".join(log_lines).encode()}
        manifest = _manifest(runner, evidence, notes)
        file = target or Path(f"evidence-{evidence.snipe.symbol}-{evidence.snipe.id}.zip")
        try:
            write_new_file(file, lambda path: write_bundle(path, manifest, files, redactor=redactor))
        except ExportFailed as error:
            fail(str(error), NOT_DONE)
        row = BundleJson(
            file=str(file),
            snipe=evidence.snipe.id,
            symbol=evidence.snipe.symbol,
            files=tuple(files),
            events=len(msgspec.json.decode(files["events.json"], type=list[msgspec.Raw])),
            log_lines=len(log_lines),
        )
        runner.show(row, lambda row, _: _page(row))


def _page(row: BundleJson) -> str:
    return (
        f"Wrote {row.file}: snipe {row.snipe} of {row.symbol}, {row.events} events, "
        f"{row.log_lines} log lines. Keys and signatures are removed. Amounts and times are not: "
        "look through it before you send it."
    )


def _evidence(runner: CommandRunner, name: str) -> "Evidence":
    from mexc_tui.app.settings_mapping import detection_settings
    from mexc_tui.export.evidence import collect

    access = runner.profile
    access.check_exists()
    if not access.has_store:
        fail(f"No snipe: {access.missing_store_message}", NO_ENGINE)
    detection = detection_settings(access.loaded.settings)
    found = access.read_store(
        lambda stored: collect(stored, name, runner.now_ms(), detection=detection), deadline_s=DEADLINE_S
    )
    if found is None:
        fail(f"No snipe {name!r} is stored. List them with: mexc-tui snipes --last 20", NO_ENGINE)
    return found


def _redactor(runner: CommandRunner) -> "tuple[Redactor, tuple[str, ...]]":
    """Return a redactor that knows the stored key, and what it does not know."""
    from mexc_tui.host.keys.record import CredentialsError
    from mexc_tui.host.keys.stored_keys import StoredKeys
    from mexc_tui.host.logs.redaction import Redactor
    from mexc_tui.model.credentials import Secret
    from mexc_tui.model.mode import Mode

    home, profile = os.environ.get("HOME", ""), runner.profile.paths.profile
    if runner.profile.mode is not Mode.LIVE:
        return Redactor(home=home), ()
    try:
        key = StoredKeys(profile).read()
    except CredentialsError:
        return Redactor(home=home), (KEY_UNREAD,)
    if key is None:
        return Redactor(home=home), (KEY_UNREAD,)
    return Redactor((Secret(key.access_key), key.secret), home), ()


def _log_lines(runner: CommandRunner, evidence: "Evidence", redactor: "Redactor") -> list[str]:
    from mexc_tui.export.log_lines import lines_about, log_parts, read_lines

    lines = read_lines(log_parts(runner.profile.paths.log))
    found = lines_about(lines, evidence.names, evidence.from_ms, to_ms=evidence.to_ms)
    return [f"{redactor.clean(line)}\n" for line in found]


def _files(runner: CommandRunner, evidence: "Evidence", redactor: "Redactor") -> dict[str, bytes]:
    from mexc_tui.export.bundle import json_bytes
    from mexc_tui.settings.setting_rows import setting_rows

    found = evidence.files | {"settings-now.json": setting_rows(runner.profile.loaded)}
    return {name: json_bytes(content, redactor) for name, content in found.items()}


def _manifest(runner: CommandRunner, evidence: "Evidence", notes: tuple[str, ...]) -> "Manifest":
    from mexc_tui.export.bundle import Manifest, versions

    return Manifest(
        snipe=evidence.snipe.id,
        symbol=evidence.snipe.symbol,
        profile=runner.profile.paths.profile,
        made_ms=runner.now_ms(),
        from_ms=evidence.from_ms,
        to_ms=evidence.to_ms,
        versions=versions(),
        notes=notes,
    )
