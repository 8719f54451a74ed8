"""Read and write the settings file. All I/O of settings is here."""

import contextlib
import os
import stat
from dataclasses import replace
from pathlib import Path

from mexc_tui.model.mode import Mode
from mexc_tui.settings.all_settings import Settings
from mexc_tui.settings.edit import migrated, with_value, without
from mexc_tui.settings.layers import Layer, SettingSource, SettingValue, UnreadableSettings, file_layer
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load, problems_of, section_of
from mexc_tui.settings.sections import BASE

SIZE_LIMIT = 1_000_000
THIS_CHANGE = "this change"


def read_file(file: Path) -> Layer:
    """Read a settings file as a layer; empty if there is none. Raises SettingsError."""
    try:
        return file_layer(_read(file), str(file))
    except UnreadableSettings as error:
        raise SettingsError(text=str(error)) from None


def set_value(file: Path, name: str, text: str | None, *, layers: Layers) -> Loaded:
    """Write one setting into the file (None: remove it) and return all resulting settings.

    `layers` are the other layers; the file is read again. Raises SettingsError, also when the file cannot be
    written, and leaves the file unchanged then. A higher layer can override the new value.
    """
    before, after, loaded = _changed(file, name, text, layers=layers)
    if after != before:
        _write(file, after)
    return loaded


def checked_value(file: Path, name: str, text: str | None, *, layers: Layers) -> Loaded:
    """Return the result of `set_value` without writing. Raises SettingsError."""
    return _changed(file, name, text, layers=layers)[-1]


def _changed(file: Path, name: str, text: str | None, *, layers: Layers) -> tuple[str, str, Loaded]:
    """Return the file's old text, its new text, and the resulting settings."""
    try:
        before = _read(file)
        text_now = migrated(before)
        found = file_layer(text_now, str(file))
        section = section_of(name, replace(layers, file=found))
        if text is not None:
            after = with_value(text_now, name, _value(name, text), section=section)
        elif section != BASE and name in found.values:
            # The base value is also that of other modes: this mode gets the default.
            after = with_value(text_now, name, getattr(Settings.of(), name), section=section)
        else:
            after = without(text_now, name, section=section)
        wanted = file_layer(after, str(file))
        load(replace(layers, file=_with_origin(wanted, name, section)))
        return before, after, load(replace(layers, file=wanted))
    except UnreadableSettings as error:
        raise SettingsError(text=str(error)) from None


def _value(name: str, text: str) -> object:
    layer = Layer({name: SettingValue(text.strip(), THIS_CHANGE)})
    problems = problems_of(layer)
    if problems:
        raise SettingsError(problems)
    return getattr(Settings.of(SettingSource(Settings, layer)), name)


def _with_origin(layer: Layer, name: str, section: str) -> Layer:
    """Return the layer with the changed setting's true origin: it is not in the file yet."""
    values = layer.values if section == BASE else layer.sections.get(Mode(section), {})
    if name not in values:
        return layer
    changed = {**values, name: SettingValue(values[name].value, THIS_CHANGE)}
    if section == BASE:
        return replace(layer, values=changed)
    return replace(layer, sections={**layer.sections, Mode(section): changed})


def _read(file: Path) -> str:
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):  # reading a pipe would block
                raise UnreadableSettings(f"{file} is not a regular file. Move it away.")
            raw = stream.read(SIZE_LIMIT + 1)
        if len(raw) > SIZE_LIMIT:
            raise UnreadableSettings(
                f"{file} is larger than {SIZE_LIMIT} bytes: it cannot be a settings file."
            )
        return raw.decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UnreadableSettings(f"Cannot read {file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UnreadableSettings(f"{file} is not UTF-8 text.") from None


def _write(file: Path, text: str) -> None:
    """Replace the file atomically: a reader or a crash finds the old or the new one."""
    target = Path(os.path.realpath(file))  # a symbolic link is preserved
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        target.parent.mkdir(0o700, parents=True, exist_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise SettingsError(text=f"Cannot write {file}: {error.strerror}.") from None
