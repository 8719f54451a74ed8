"""Prometheus text format 0.0.4. Pure."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class MetricKind(Enum):
    """Kind of a metric."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, with labels that tell the series of a metric apart."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its series; without samples it is left out."""

    name: str
    kind: MetricKind
    help: str
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        """Refuse a name that Prometheus would refuse. Raises ValueError."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not the name of a metric")


def gauge(name: str, text: str, value: float | None) -> Metric:
    """Return a gauge with one series; None: no value now."""
    return Metric(name, MetricKind.GAUGE, text, () if value is None else (Sample(value, {}),))


def counter(name: str, text: str, value: float | None) -> Metric:
    """Return a counter with one series; its name ends with `_total`."""
    return Metric(name, MetricKind.COUNTER, text, () if value is None else (Sample(value, {}),))


def labelled(name: str, text: str, *, label: str, values: Mapping[str, float | None]) -> Metric:
    """Return a gauge with one series for each value of a label."""
    samples = (Sample(value, {label: of}) for of, value in values.items() if value is not None)
    return Metric(name, MetricKind.GAUGE, text, tuple(samples))


def exposition(metrics: Iterable[Metric]) -> str:
    """Return all metrics as text."""
    return "".join(_text(metric) for metric in metrics if metric.samples)


def _text(metric: Metric) -> str:
    lines = [
        f"# HELP {metric.name} {_escaped(metric.help, quotes=False)}\n",
        f"# TYPE {metric.name} {metric.kind.value}\n",
        *(f"{metric.name}{_labels(sample.labels)} {_number(sample.value)}\n" for sample in metric.samples),
    ]
    return "".join(lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items())
    return f"{{{pairs}}}"


def _escaped(text: str, *, quotes: bool) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
