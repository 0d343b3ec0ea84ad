"""What is told of the fabric after each round: counts for Prometheus, alarms for the fabric's own row."""

from __future__ import annotations

from weft.controller import metrics
from weft.controller.retries import Retries
from weft.controller.state import Alarms
from weft.topology.engine import Engine

_COUNTED = ("Vpc", "Subnet", "Namespace", "Pod", "IP", "Host")


def report(engine: Engine, retries: Retries, alarms: Alarms) -> None:
    """What is wrong with single objects is an alarm each, named after what is wrong."""
    for kind in _COUNTED:
        metrics.OBJECTS.labels(kind).set(len(engine.view.groups[kind]))
    metrics.REFUSED.set(len(retries.refusals))
    metrics.REJECTED.set(len(engine.rejected))
    metrics.UNALLOCATED.set(len(engine.unallocated))
    alarms.sync("conflict/", engine.addressing.conflicts)
    alarms.sync("rejected/", {ref: "; ".join(map(str, problems)) for ref, (_, problems) in engine.rejected.items()})
    alarms.sync("refused/", retries.reasons())
