"""A figure, and a sample of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily


class Figure(NamedTuple):
    """A gauge. Its first label is the host's name; `labels` are those after it."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    host: str = "hostname"

    def family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(self.name, self.meaning, labels=(self.host, *self.labels))


class Sample(NamedTuple):
    """A value, with those of `figure.labels`."""

    figure: Figure
    value: float
    labels: tuple[str, ...] = ()


def families(host: str, figures: Iterable[Figure], samples: Iterable[Sample]) -> list[GaugeMetricFamily]:
    """The samples as Prometheus' library wants them, each figure once and also without a sample."""
    found = {figure: figure.family() for figure in figures}
    for sample in samples:
        found[sample.figure].add_metric((host, *sample.labels), sample.value)
    return list(found.values())
