"""The container file: an unprivileged user, pinned packages, and only files that exist."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FILE = (CHECKOUT / "deploy" / "Containerfile").read_text("utf-8")
INSTRUCTIONS = re.findall(r"^([A-Z]+) (.*)$", FILE.replace("\\\n", " "), re.MULTILINE)
FINAL = INSTRUCTIONS[max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]


def arguments(name: str, instructions: list[tuple[str, str]] = INSTRUCTIONS) -> list[str]:
    return [text for found, text in instructions if found == name]


def test_every_copied_file_exists() -> None:
    copied = [source for text in arguments("COPY") if "--from" not in text for source in text.split()[:-1]]
    assert len(copied) > 5
    assert [source for source in copied if not (CHECKOUT / source).exists()] == []


def test_packages_are_checked_by_hash_and_nothing_else_is_downloaded() -> None:
    installs = [text for text in arguments("RUN") if "pip install" in text]
    assert all("--require-hashes" in text or "--no-deps ." in text for text in installs)
    assert not re.search(r"curl|wget|apt-get|ADD ", FILE)


def test_the_engine_runs_as_an_unprivileged_user_and_gets_the_stop_signal() -> None:
    assert arguments("USER", FINAL) == ["10001"]
    # No shell is between: the engine gets the signal.
    assert arguments("ENTRYPOINT", FINAL) == ['["mexc-tui", "--headless"]']
    assert arguments("STOPSIGNAL", FINAL) == ["SIGTERM"]
    assert arguments("EXPOSE", FINAL) == []


def test_state_is_on_a_volume_and_no_secret_is_in_the_image() -> None:
    assert arguments("VOLUME", FINAL) == ["/data"]
    assert not re.search(r"(?i)secret|api_?key|password|token", FILE)


def test_the_image_supports_the_python_of_the_package() -> None:
    (minor,) = {int(found) for found in re.findall(r"python:3\.(\d+)-slim", FILE)}
    assert f"Python :: 3.{minor}" in (CHECKOUT / "pyproject.toml").read_text("utf-8")
