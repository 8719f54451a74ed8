"""Complete commands named in a text with the options of the current profile, mode and exchange."""

import re
from dataclasses import dataclass

_WITH_MODE = ("watch",)
"""Commands with the options mode and exchange, like the desk itself and `--headless`."""
_WITH_PROFILE = (
    *("attach", "status", "stop", "listings", "alerts", "signals", "why", "report", "positions", "orders"),
    *("snipes", "risk", "what-if", "arm", "disarm", "close", "exits", "convert-dust", "halt", "reduce-only"),
    *("resume", "restore-limits", "flatten", "kill", "unlock", "lock", "performance", "reconcile", "restore"),
    *("journal", "settings", "keys", "service", "doctor", "backup", "export", "bundle"),
)
_WITHOUT_OPTIONS = ("exchange",)
_FLAG = r"--(?:headless|direct|yes|all|json|follow|read-only|until-done|stdin)\b"
_OPTIONS = rf"(?: (?:{_FLAG}|--[a-z-]+ [^\s,;`]*[^\s.,;:`]))*"
_NAMES = "|".join(sorted([*_WITH_MODE, *_WITH_PROFILE, *_WITHOUT_OPTIONS], key=len, reverse=True))
_COMMAND = re.compile(
    rf"(?<![\w/.-])mexc-tui(?![\w:/.-]){_OPTIONS}"
    rf"(?: (?P<name>{_NAMES})\b(?: (?:set|show|check|remove|add|drop|install|status|logs)\b)?)?{_OPTIONS}"
)

_ENDS = ("", ".", ",", ";", "`", "'", ")", "\n")
"""Text after the bare name if it is a command and not just the program's name."""


@dataclass(frozen=True, slots=True)
class ChosenOptions:
    """Options of a command line; empty for the default."""

    profile: str = ""
    mode: str = ""
    exchange: str = ""
    """File with the address of a running practice exchange."""


def with_options(text: str, chosen: ChosenOptions) -> str:
    """Return the text with each command completed for the chosen profile, mode and exchange."""
    if chosen == ChosenOptions() or "mexc-tui" not in text:
        return text
    return _COMMAND.sub(lambda found: found[0] + _missing(found, chosen), text)


def _missing(found: "re.Match[str]", chosen: ChosenOptions) -> str:
    name, command = found["name"] or "", found[0]
    is_prose = command == "mexc-tui" and found.string[found.end() : found.end() + 1] not in _ENDS
    if name in _WITHOUT_OPTIONS or is_prose:
        return ""
    options = {"profile": chosen.profile or chosen.mode}  # the default profile is named after its mode
    if not name or name in _WITH_MODE:
        options = {"mode": chosen.mode, "exchange": chosen.exchange, "profile": chosen.profile}
    return "".join(
        f" --{option} {value}" for option, value in options.items() if value and f"--{option} " not in command
    )
