"""An address is for the pod's life: what a document asks for later is refused, in words."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, pod, settle
from weft.topology.rules import check_put

MAC = "ovn.kubernetes.io/mac_address"


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({}, None),
        ({"subnet": "ovn-default"}, None),
        ({"ip": "10.16.0.2"}, None),
        ({"subnet": "join"}, "[ovn.kubernetes.io/logical_switch]: 'join': the pod has ovn-default; delete it first"),
        ({"ip": "10.16.0.9"}, "[ovn.kubernetes.io/ip_address]: '10.16.0.9': the pod has 10.16.0.2; delete it first"),
        (
            {MAC: "0a:58:00:00:00:01"},
            f"[{MAC}]: '0a:58:00:00:00:01': the pod has 0a:58:0a:10:00:02; delete it first",
        ),
        ({MAC: "0A:58:0A:10:00:02"}, None),
    ],
)
def test_a_pod_that_has_an_address(wishes: dict[str, str], message: str | None) -> None:
    engine = base()
    engine.put(pod("web"))
    settle(engine)
    problems = [f"{problem.field}: {problem.message}" for problem in check_put(engine.view, pod("web", **wishes))]
    assert problems == ([] if message is None else [f"metadata.annotations{message}"])
