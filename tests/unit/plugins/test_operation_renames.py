"""A host gets another name unless: a table of fabrics, with the reason that each must give."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.weft.ovn.plugins.filter.operation import operation_plan

from tests.unit.plugins.test_operation import expect, reasons, unreachable, well

Change = Callable[[dict[str, Any]], object]


def renamed() -> dict[str, Any]:
    """The inventory calls c n3, the fabric does not yet."""
    look = copy.deepcopy(well())
    look["hosts"]["n3"] = look["hosts"].pop("c")
    look["members"]["n3"] = look["members"].pop("c")
    pod = {"kind": "Pod", "namespace": "shop", "name": "db", "metadata": {}, "spec": {"nodeName": "c"}}
    other = {"kind": "Pod", "namespace": "shop", "name": "web", "metadata": {}, "spec": {"nodeName": "b"}}
    return {**look, "documents": [pod, other]}


def plan(change: Change, **options: Any) -> Any:
    look = renamed()
    change(look)
    given = {"host": "n3", "old": "c", "named": "refuse", "kubernetes": False, **options}
    return operation_plan(look, "rename_host", given)


def nothing(_look: dict[str, Any]) -> None:
    """A fabric in which the host may be renamed."""


def gateway(text: str) -> Change:
    subnet = {"kind": "Subnet", "namespace": "", "name": "out", "metadata": {}, "spec": {"gatewayNode": text}}
    return lambda look: look["documents"].append(subnet)


def known(name: str, address: str) -> Change:
    row = {"name": name, "addresses": [address], "ready": True, "last_seen": 999_995}
    return lambda look: look["rows"]["Host_Status"].append(row)


REFUSED: list[tuple[Change, dict[str, Any], list[str]]] = [
    (nothing, {}, []),
    (nothing, {"kubernetes": True}, ["a node cannot get another name"]),
    (nothing, {"host": "n4"}, ["n4 is not in the inventory's group ovn_hosts; it has a, b, n3"]),
    (nothing, {"old": "b"}, ["b is still in the inventory", "b has the addresses 192.0.2.2, and n3 of the inventory"]),
    (nothing, {"old": "x"}, ["the fabric knows neither x nor n3; it has a, b, c"]),
    (unreachable("n3"), {}, ["n3 cannot be reached"]),
    (lambda look: look["hosts"]["n3"].update(address="192.0.2.9"), {}, ["c has the addresses 192.0.2.3, and n3 of"]),
    (known("n3", "192.0.2.8"), {}, ["n3 has the addresses 192.0.2.8"]),
    (known("n3", "192.0.2.3"), {}, []),  # a run that was killed
    (gateway("a,c"), {}, ["Subnet/out spec.gatewayNode names c"]),
    (gateway("cc"), {}, []),
    (gateway("a,c"), {"named": "leave"}, []),
    (lambda look: look["rows"]["Fabric"][0].update(paused=True), {}, ["the fabric is paused"]),
    (lambda look: look["hosts"].update({"N_3": look["hosts"]["n3"]}), {"host": "N_3"}, ["'N_3' is no name of a host"]),
]


@pytest.mark.parametrize(("change", "options", "expected"), REFUSED)
def test_a_host_is_renamed_unless(change: Change, options: dict[str, Any], expected: list[str]) -> None:
    expect(reasons(plan(change, **options)), expected)


def test_its_workloads_go_along() -> None:
    found = plan(nothing)
    assert found["workloads"] == [{"name": "db", "namespace": "shop", "host": "n3"}]
    assert found["due"]


def test_who_is_renamed_already_is_not_again() -> None:
    def done(look: dict[str, Any]) -> None:
        for table in ("Chassis", "Host_Status"):
            look["rows"][table][2]["name"] = "n3"
        look["documents"][0]["spec"]["nodeName"] = "n3"

    found = plan(done)
    assert (found["problems"], found["workloads"], found["due"]) == ([], [], False)
