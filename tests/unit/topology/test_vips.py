"""Vips (Kube-OVN 1.15 manual, section 7.15): reserved, served as virtual ports, used by pods."""

from __future__ import annotations

from tests.unit.topology.build import base, pod, settle, vip
from weft.api.core import Pod
from weft.topology.engine import Engine

AAPS = "ovn.kubernetes.io/aaps"
USES = "ovn.kubernetes.io/vip"


def labelled(name: str, labels: dict[str, str], ns: str = "ns1", **annotations: str) -> Pod:
    given = pod(name, node="lab1", ns=ns, **annotations)
    return given.model_copy(update={"metadata": given.metadata.model_copy(update={"labels": labels})})


def test_a_vip_is_a_reservation() -> None:
    engine = base()
    engine.put(vip("vip-dynamic-01"))
    engine.put(vip("static-vip01", v4ip="10.16.0.121", macAddress="00:00:00:F0:DB:26"))
    settle(engine)
    assert {name: ip.spec.ip_address for name, ip in engine.view.ips.items()} == {
        "vip-vip-dynamic-01": "10.16.0.2",
        "vip-static-vip01": "10.16.0.121",
    }
    status = engine.status("Vip/static-vip01")
    assert status is not None
    assert (status["v4ip"], status["mac"]) == ("10.16.0.121", "00:00:00:f0:db:26")
    assert engine.compile("Vip/static-vip01").northbound == ()


def test_it_is_given_back_when_it_goes() -> None:
    engine = base()
    engine.put(vip("one"))
    settle(engine)
    engine.remove_ref("Vip/one")
    settle(engine)
    assert not engine.view.ips


def test_pods_that_are_chosen_and_name_it_may_take_it_over() -> None:
    engine = base()
    engine.put(vip("vip-aap", namespace="ns1", selector=["app: aap1"]))
    engine.put(labelled("busybox", {"app": "aap1"}, **{AAPS: "vip-aap"}))
    engine.put(labelled("unnamed", {"app": "aap1"}))
    engine.put(labelled("unchosen", {"app": "other"}, **{AAPS: "vip-aap"}))
    compiled = settle(engine)
    (port,) = compiled["Vip/vip-aap"][0]
    assert {name: port.columns[name] for name in ("name", "type", "options", "external_ids")} == {
        "name": "vip-aap",
        "type": "virtual",
        "options": {
            "virtual-ip": engine.view.ips["vip-vip-aap"].spec.ip_address,
            "virtual-parents": "busybox.ns1",
        },
        "external_ids": {"vendor": "kube-ovn", "ls": "ovn-default"},
    }
    engine.put(labelled("unchosen", {"app": "aap1"}, **{AAPS: "vip-aap"}))
    (port,) = settle(engine)["Vip/vip-aap"][0]
    assert port.columns["options"]["virtual-parents"] == "busybox.ns1,unchosen.ns1"
    engine.remove_ref("Pod/ns1/busybox")
    (port,) = settle(engine)["Vip/vip-aap"][0]
    assert port.columns["options"]["virtual-parents"] == "unchosen.ns1"


def test_a_guarded_port_may_send_from_the_addresses_that_it_may_take_over() -> None:
    engine = base()
    engine.put(vip("vip-aap", namespace="ns1", selector=["app: aap1"], v4ip="10.16.0.100"))
    guarded = {AAPS: "vip-aap", "ovn.kubernetes.io/port_security": "true"}
    engine.put(labelled("busybox", {"app": "aap1"}, **guarded))
    engine.put(labelled("unchosen", {"app": "other"}, **guarded))
    settle(engine)
    allowed = {name: engine.compile(f"Pod/ns1/{name}").northbound[0].columns for name in ("busybox", "unchosen")}
    assert allowed["busybox"]["port_security"] == (f"{allowed['busybox']['addresses'][0]} 10.16.0.100",)
    assert allowed["unchosen"]["port_security"] == allowed["unchosen"]["addresses"]
    engine.put(vip("vip-aap", namespace="ns1", selector=["app: other"], v4ip="10.16.0.100"))
    assert {"Pod/ns1/busybox", "Pod/ns1/unchosen"} <= engine.dirty.keys()


def test_one_of_a_load_balancer_is_answered_for_by_the_router() -> None:
    engine = base()
    engine.put(vip("slr-01", type="switch_lb_vip"))
    settle(engine)
    (port,) = engine.compile("Vip/slr-01").northbound
    assert port.columns["addresses"] == ("0a:58:0a:10:00:01 10.16.0.2",)
    status = engine.status("Vip/slr-01")
    assert status is not None
    assert status["mac"] == "0a:58:0a:10:00:01"


def test_a_pod_may_use_its_address() -> None:
    engine = base()
    engine.put(vip("pod-use-vip"))
    engine.put(pod("static-ip", node="lab1", **{USES: "pod-use-vip"}))
    settle(engine)
    (port,) = engine.compile("Pod/ns1/static-ip").northbound
    ip = engine.view.ips["vip-pod-use-vip"]
    assert port.columns["addresses"] == (f"{ip.spec.mac_address} {ip.spec.ip_address}",)
    assert list(engine.view.ips) == ["vip-pod-use-vip"]
    engine.remove_ref("Pod/ns1/static-ip")
    settle(engine)
    assert list(engine.view.ips) == ["vip-pod-use-vip"], "the Vip keeps it"


def test_a_pod_waits_for_its_vip() -> None:
    engine = base()
    engine.put(pod("static-ip", node="lab1", **{USES: "pod-use-vip"}))
    settle(engine)
    assert str(engine.unallocated["Pod/ns1/static-ip"]) == "Vip/pod-use-vip does not exist, or has no address yet"
    engine.put(vip("pod-use-vip"))
    settle(engine)
    assert engine.compile("Pod/ns1/static-ip").northbound


def test_a_vip_that_a_pod_uses_stays_until_the_pod_is_gone() -> None:
    engine: Engine = base()
    engine.put(vip("pod-use-vip"))
    engine.put(pod("static-ip", node="lab1", **{USES: "pod-use-vip"}))
    settle(engine)
    engine.leave(vip("pod-use-vip"))
    settle(engine)
    assert engine.compile("Pod/ns1/static-ip").northbound
    engine.remove_ref("Pod/ns1/static-ip")
    settle(engine)
    assert not engine.view.ips
