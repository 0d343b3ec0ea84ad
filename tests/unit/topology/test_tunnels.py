"""Subnets and pods bound to a network of the nodes, and what is said when tunnels do not carry a subnet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import base, pod, settle, subnet
from weft.api.core import Node
from weft.api.problem import InvalidError
from weft.topology.engine import Engine
from weft.topology.view import Host

STORAGE = "ovn.kubernetes.io/node_networks"


def node(name: str, **annotations: str) -> Node:
    given = {f"ovn.kubernetes.io/{key}": value for key, value in annotations.items()}
    return Node.parse({"metadata": {"name": name, "annotations": given}})


def host(name: str, mtu: int = 1500, kind: str = "geneve", networks: tuple[str, ...] = ()) -> Host:
    return Host.of({
        "name": name, "addresses": [], "mtu": mtu, "ready": True, "encap_ip": "192.0.2.1", "encap_type": kind,
        "networks": dict.fromkeys(networks, "198.51.100.1"),
    })  # fmt: skip


def told(engine: Engine, ref: str, table: str) -> dict[str, Any]:
    return next(dict(row.columns) for row in engine.compile(ref).weft if row.table == table)


def conditions(engine: Engine, name: str) -> dict[str, tuple[str, str, str]]:
    status = engine.status(f"Subnet/{name}") or {}
    return {item["type"]: (item["status"], item["reason"], item["message"]) for item in status["conditions"]}


def test_a_host_is_told_what_its_node_says() -> None:
    engine = base()
    engine.put(host("h1"))
    settle(engine)
    assert told(engine, "Host/h1", "Host")["networks"] == {}
    engine.put(node("h1", tunnel_interface=" eth1,bond.* ", node_networks='{"storage": "192.168.100.10"}'))
    assert "Host/h1" in engine.dirty
    row = told(engine, "Host/h1", "Host")
    assert (row["tunnel_interface"], row["networks"]) == ("eth1,bond.*", {"storage": "192.168.100.10"})
    settle(engine)
    engine.remove_ref("Node/h1")
    assert "Host/h1" in engine.dirty
    assert told(engine, "Host/h1", "Host")["networks"] == {}


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [("node_networks", "storage", "is not JSON"), ("tunnel_interface", "eth[", "neither an interface")],
)
def test_a_node_that_says_something_wrong_is_refused(annotation: str, value: str, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        node("h1", **{annotation: value})


def test_hosts_are_told_what_subnets_and_pods_are_bound_to() -> None:
    engine = base()
    engine.put(subnet("storage-net", "10.200.0.0/16", nodeNetwork="storage"))
    engine.put(pod("web", node="h1", **{"ovn.kubernetes.io/node_network": "app"}))
    settle(engine)
    assert told(engine, "Subnet/storage-net", "Subnet")["node_network"] == "storage"
    assert told(engine, "Subnet/ovn-default", "Subnet")["node_network"] == ""
    assert told(engine, "Pod/ns1/web", "Port")["node_network"] == "app"


def test_a_bound_subnet_names_the_hosts_without_its_network() -> None:
    engine = base()
    engine.put(subnet("storage-net", "10.200.0.0/16", nodeNetwork="storage"))
    engine.put(host("h1", networks=("storage",)))
    settle(engine)
    assert conditions(engine, "storage-net")["NodeNetwork"] == ("True", "OnAllHosts", "")
    engine.put(host("h2", networks=("app",)))
    assert "Subnet/storage-net" in engine.dirty
    status, reason, message = conditions(engine, "storage-net")["NodeNetwork"]
    assert (status, reason) == ("False", "NotOnAllHosts")
    assert message.endswith("network 'storage', where its pods cannot run: h2")
    settle(engine)
    engine.put(host("h2", networks=("app", "storage")))
    assert "Subnet/storage-net" in engine.dirty
    assert conditions(engine, "storage-net")["NodeNetwork"][0] == "True"


def test_a_subnet_of_another_plugin_has_no_tunnels_to_bind() -> None:
    engine = base()
    engine.put(subnet("lan", "10.201.0.0/16", provider="macvlan.default", nodeNetwork="storage", mtu=9000))
    engine.put(host("h1", networks=("storage",)))
    settle(engine)
    assert told(engine, "Subnet/lan", "Subnet")["node_network"] == ""
    assert conditions(engine, "lan")["NodeNetwork"][:2] == ("False", "NotAnOverlay")
    assert "MtuFits" not in conditions(engine, "lan")


@pytest.mark.parametrize(
    ("mtu", "hosts", "status", "said"),
    [
        (1442, [host("h1")], "True", ""),
        (1443, [host("h1")], "False", "spec.mtu 1443: tunnels of Host/h1 carry 1442 at most"),
        (1450, [host("h1", kind="vxlan")], "True", ""),
        (8942, [host("h1", 9000), host("h2", 9000)], "True", ""),
        (8942, [host("h1", 9000), host("h2", 1500)], "False", "Host/h2 carry 1442"),
        (8942, [host("h1", 9000), host("h2", 0)], "True", ""),
    ],
)
def test_a_chosen_mtu_fits_through_the_narrowest_tunnels(mtu: int, hosts: list[Host], status: str, said: str) -> None:
    engine = base()
    engine.put(subnet("blue", "10.17.0.0/16", mtu=mtu))
    for item in hosts:
        engine.put(item)
    settle(engine)
    found = conditions(engine, "blue")["MtuFits"]
    assert found[0] == status
    assert said in found[2]
    assert "MtuFits" not in conditions(engine, "ovn-default")


def test_only_subnets_that_it_concerns_hear_of_a_host() -> None:
    engine = base()
    engine.put(subnet("blue", "10.17.0.0/16", mtu=8900))
    engine.put(host("h1", 9000))
    settle(engine)
    engine.put(host("h2", 9000))
    assert {ref for ref in engine.dirty if ref.startswith("Subnet/")} == set()
    settle(engine)
    engine.put(host("h3", 1500))
    assert "Subnet/blue" in engine.dirty
    assert "Subnet/ovn-default" not in engine.dirty
    settle(engine)
    assert conditions(engine, "blue")["MtuFits"][0] == "False"
    engine.remove_ref("Host/h3")
    assert "Subnet/blue" in engine.dirty
    assert conditions(engine, "blue")["MtuFits"][0] == "True"


def test_vxlan_on_any_host_limits_the_ports_of_every_subnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.topology.tunnels.VXLAN_PORTS", 2)
    engine = base()
    for name in ("a", "b", "c"):
        engine.put(pod(name, node="h1"))
    engine.put(host("h1"))
    settle(engine)
    assert "TunnelKeys" not in conditions(engine, "ovn-default")
    engine.put(host("h2", kind="geneve,vxlan"))
    assert "Subnet/ovn-default" in engine.dirty
    status, reason, message = conditions(engine, "ovn-default")["TunnelKeys"]
    assert (status, reason) == ("False", "VxlanLimit")
    assert message.startswith("3 addresses are in use; with VXLAN, which Host/h2 has, 2 ports")
    settle(engine)
    engine.put(host("h2"))
    assert "TunnelKeys" not in conditions(engine, "ovn-default")
