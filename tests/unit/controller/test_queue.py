"""The queue is a dictionary of owners: touched a thousand times, an owner is in it once."""

from __future__ import annotations

from tests.unit.topology.build import pod, subnet, vpc
from weft.topology.engine import Engine


def test_the_queue_never_holds_more_than_there_are_objects() -> None:
    engine = Engine()
    engine.put(vpc("ovn-cluster"))
    for round_ in range(50):
        engine.put(subnet("blue", "10.1.0.0/16", excludeIps=[f"10.1.9.{round_}"]))
        for number in range(20):
            engine.put(pod(f"p{number}", node=f"h{round_}"))
    assert len(engine.dirty) <= len(engine.owners()) == 22
