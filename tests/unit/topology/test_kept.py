"""Addresses that outlive a pod: of StatefulSets and virtual machines (Kube-OVN 1.15 manual, sections 3.2.3, 3.2.4)."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, machine, settle, statefulset, workload_pod
from weft.topology.engine import Engine
from weft.topology.settings import Settings

POOL = {"ovn.kubernetes.io/ip_pool": "10.16.0.15,10.16.0.16,10.16.0.17"}


def addresses(engine: Engine) -> dict[str, str]:
    return {name: ip.spec.ip_address for name, ip in engine.view.ips.items()}


def web(number: int, **metadata: object) -> object:
    return workload_pod("StatefulSet", "web", f"web-{number}", **metadata)


def _with_web(replicas: int, numbers: range, **metadata: object) -> Engine:
    engine = base()
    engine.put(statefulset("web", replicas, numbers.start))
    for number in numbers:
        engine.put(workload_pod("StatefulSet", "web", f"web-{number}", **metadata))
    settle(engine)
    return engine


@pytest.mark.parametrize("start", [0, 5])
def test_pods_take_the_pools_addresses_in_the_order_of_their_numbers(start: int) -> None:
    engine = _with_web(3, range(start, start + 3), annotations=POOL)
    assert addresses(engine) == {f"web-{start + n}.ns1": f"10.16.0.{15 + n}" for n in range(3)}


def test_a_number_beyond_the_pool_waits_and_says_why() -> None:
    engine = _with_web(4, range(4), annotations=POOL)
    assert "has 3 addresses, and none for number 3" in str(engine.unallocated["Pod/ns1/web-3"])


def test_a_restarted_pod_finds_its_address() -> None:
    engine = _with_web(2, range(2))
    before = addresses(engine)
    for number in (1, 0):
        engine.remove_ref(f"Pod/ns1/web-{number}")
    settle(engine)
    assert addresses(engine) == before, "kept"
    assert engine.compile("Pod/ns1/web-0").northbound == (), "a pod that is gone has no port"
    engine.put(workload_pod("StatefulSet", "web", "web-0", node="lab2"))
    settle(engine)
    assert addresses(engine) == before


@pytest.mark.parametrize(
    ("replicas", "kept"), [(3, {"web-0.ns1", "web-1.ns1", "web-2.ns1"}), (1, {"web-0.ns1"}), (0, set())]
)
def test_scaling_down_gives_addresses_back(replicas: int, kept: set[str]) -> None:
    engine = _with_web(3, range(3))
    for number in range(3):
        engine.remove_ref(f"Pod/ns1/web-{number}")
    engine.put(statefulset("web", replicas))
    settle(engine)
    assert addresses(engine).keys() == kept


def test_a_pod_that_still_runs_keeps_its_address_while_its_set_shrinks() -> None:
    engine = _with_web(3, range(3))
    engine.put(statefulset("web", 1))
    settle(engine)
    assert len(addresses(engine)) == 3
    engine.remove_ref("Pod/ns1/web-2")
    settle(engine)
    assert addresses(engine).keys() == {"web-0.ns1", "web-1.ns1"}


def test_a_deleted_statefulset_keeps_nothing() -> None:
    engine = _with_web(2, range(2))
    for number in range(2):
        engine.remove_ref(f"Pod/ns1/web-{number}")
    settle(engine)
    engine.remove_ref("StatefulSet/ns1/web")
    settle(engine)
    assert addresses(engine) == {}


def test_a_kept_reservation_that_a_hand_removes_is_free_at_once() -> None:
    engine = _with_web(1, range(1))
    engine.remove_ref("Pod/ns1/web-0")
    settle(engine)
    pool = engine.addressing.pools("ovn-default")[4]
    assert pool.used == 1
    engine.remove_ref("IP/web-0.ns1")
    settle(engine)
    assert pool.used == 0
    assert addresses(engine) == {}


def launcher(name: str, node: str, created: str = "") -> object:
    metadata = {"creationTimestamp": created} if created else {}
    return workload_pod("VirtualMachineInstance", "vm1", f"virt-launcher-vm1-{name}", node, **metadata)


def test_a_machine_keeps_its_address_from_pod_to_pod() -> None:
    engine = base()
    engine.put(machine("vm1"))
    engine.put(launcher("a", "lab1"))
    settle(engine)
    assert addresses(engine) == {"vm1.ns1": "10.16.0.2"}
    assert engine.view.ips["vm1.ns1"].spec.pod_name == "vm1"
    (port,) = engine.compile("VirtualMachine/ns1/vm1").northbound
    assert (port.owner, port.columns["name"]) == ("VirtualMachine/ns1/vm1", "vm1.ns1")
    said = engine.annotations("Pod/ns1/virt-launcher-vm1-a")["Pod/ns1/virt-launcher-vm1-a"]
    assert (said["ovn.kubernetes.io/ip_address"], said["ovn.kubernetes.io/virtualmachine"]) == ("10.16.0.2", "vm1")
    engine.remove_ref("Pod/ns1/virt-launcher-vm1-a")
    settle(engine)
    assert addresses(engine) == {"vm1.ns1": "10.16.0.2"}
    assert engine.compile("VirtualMachine/ns1/vm1").northbound == ()
    engine.put(launcher("b", "lab2"))
    settle(engine)
    (again,) = engine.compile("VirtualMachine/ns1/vm1").northbound
    assert (again.ref, again.columns["addresses"]) == (port.ref, port.columns["addresses"])
    engine.remove_ref("Pod/ns1/virt-launcher-vm1-b")
    engine.remove_ref("VirtualMachine/ns1/vm1")
    settle(engine)
    assert addresses(engine) == {}


def test_a_machine_that_moves_may_be_bound_on_either_host() -> None:
    engine = base()
    engine.put(machine("vm1"))
    engine.put(launcher("a", "lab1", "2026-01-01T00:00:00Z"))
    engine.put(launcher("b", "lab2", "2026-01-01T00:05:00Z"))
    settle(engine)
    rows = engine.compile("VirtualMachine/ns1/vm1")
    assert rows.northbound[0].columns["options"] == {
        "requested-chassis": "lab1,lab2",
        "activation-strategy": "rarp",
    }
    assert [(row.columns["host"], row.columns["pod_name"], row.columns["arriving"]) for row in rows.weft] == [
        ("lab1", "virt-launcher-vm1-a", False),
        ("lab2", "virt-launcher-vm1-b", True),
    ]
    assert len({row.key for row in rows.weft}) == 2
    finished = launcher("a", "lab1", "2026-01-01T00:00:00Z").model_copy(update={"finished": True})  # type: ignore[attr-defined]
    engine.put(finished)
    settle(engine)
    rows = engine.compile("VirtualMachine/ns1/vm1")
    assert rows.northbound[0].columns["options"] == {"requested-chassis": "lab2"}
    assert [row.columns["arriving"] for row in rows.weft] == [False]


def test_a_machine_may_be_made_to_keep_nothing() -> None:
    engine = Engine(Settings(keep_vm_ip=False))
    for item in base().view.resources():
        engine.put(item)
    engine.put(machine("vm1"))
    engine.put(launcher("a", "lab1"))
    settle(engine)
    engine.remove_ref("Pod/ns1/virt-launcher-vm1-a")
    settle(engine)
    assert addresses(engine) == {}
