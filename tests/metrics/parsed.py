"""A strict parser of Prometheus' text format 0.0.4."""

import re
from dataclasses import dataclass, field

HELP = re.compile(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)")
TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (gauge|counter)")
SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass
class ParsedMetric:
    """One metric."""

    kind: str
    series: dict[tuple[tuple[str, str], ...], float] = field(
        default_factory=dict[tuple[tuple[str, str], ...], float]
    )


def parsed(text: str) -> dict[str, ParsedMetric]:
    """Return the metrics of a text. Fails unless each has help, a type, and series right after them."""
    found, described = dict[str, ParsedMetric](), ""
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if match := HELP.fullmatch(line):
            described = match[1]
            assert described not in found
        elif match := TYPE.fullmatch(line):
            assert match[1] == described
            found[described] = ParsedMetric(match[2])
        else:
            match = SERIES.fullmatch(line)
            assert match is not None, line
            assert match[1] == described
            labels = _labels(match[2] or "")
            assert labels not in found[described].series
            found[described].series[labels] = float(match[3])
    return found


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    found, place = list[tuple[str, str]](), 0
    while place < len(text):
        match = LABEL.match(text, place)
        assert match is not None, text
        found.append((match[1], re.sub(r'\\["\\n]', lambda one: ESCAPES[one[0]], match[2])))
        place = match.end()
    return tuple(found)
