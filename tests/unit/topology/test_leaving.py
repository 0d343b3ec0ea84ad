"""What leaves stays in effect while somebody uses it; and what Kubernetes' own objects are told."""

from __future__ import annotations

from tests.unit.topology.build import base, host, pod, settle, subnet
from weft.topology.rows import NOTHING


def test_a_subnet_in_use_stays_until_its_last_user_is_gone() -> None:
    engine = base()
    blue = subnet("blue", "10.66.0.0/16", namespaces=["ns1"])
    engine.put(blue)
    engine.put(pod("web"))
    settle(engine)

    engine.leave(blue)
    assert engine.compile("Subnet/blue") != NOTHING
    condition = (engine.status("Subnet/blue") or {})["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("False", "Terminating")
    assert condition["message"] == "is to be deleted, and is in use by 1 addresses: web.ns1"
    assert not engine.is_gone("Subnet/blue")

    engine.remove(pod("web"))
    settle(engine)
    assert engine.is_gone("Subnet/blue")
    assert engine.compile("Subnet/blue") == NOTHING


def test_a_subnet_without_users_goes_at_once() -> None:
    engine = base()
    blue = subnet("blue", "10.66.0.0/16")
    engine.put(blue)
    settle(engine)
    engine.leave(blue)
    assert "Subnet/blue" in engine.dirty
    assert engine.is_gone("Subnet/blue")


def test_what_kubernetes_objects_are_told() -> None:
    engine = base()
    engine.put(pod("web"))
    engine.put(host("lab1"))
    settle(engine)
    prefix = "ovn.kubernetes.io/"
    assert engine.annotations("Pod/ns1/web") == {
        "Pod/ns1/web": {
            f"{prefix}allocated": "true",
            f"{prefix}ip_address": "10.16.0.2",
            f"{prefix}mac_address": "0a:58:0a:10:00:02",
            f"{prefix}cidr": "10.16.0.0/16",
            f"{prefix}gateway": "10.16.0.1",
            f"{prefix}logical_switch": "ovn-default",
            f"{prefix}logical_router": "ovn-cluster",
            f"{prefix}network_type": "geneve",
            f"{prefix}routed": "true",
        }
    }
    assert engine.annotations("Host/lab1")["Node/lab1"][f"{prefix}port_name"] == "node-lab1"
    assert engine.annotations("Namespace/ns1") == {
        "Namespace/ns1": {
            f"{prefix}logical_switch": "ovn-default",
            f"{prefix}cidr": "10.16.0.0/16",
            f"{prefix}exclude_ips": "",
        }
    }
    assert engine.annotations("Pod/ns1/unknown") == {}
