"""The engine: what a change makes dirty, who waits for what, and what is never done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import base, host, namespace, pod, reservation, settle, subnet, vip, vpc
from weft.api.base import Resource
from weft.api.problem import Problem
from weft.topology.engine import Engine, owner_of
from weft.topology.rows import NOTHING
from weft.topology.status import NEXT_TRY
from weft.topology.view import Host

BROKEN = [Problem("X", "spec", "unreadable")]


def _addresses(engine: Engine) -> dict[str, str]:
    return {name: ip.spec.ip_address for name, ip in engine.view.ips.items()}


def _condition(engine: Engine, owner: str, kind: str) -> tuple[str, str, str]:
    status = engine.status(owner)
    assert status is not None
    found = next(condition for condition in status["conditions"] if condition["type"] == kind)
    return found["status"], found["reason"], found["message"]


# -- what a change makes dirty ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "dirty"),
    [
        pytest.param(vpc("red"), {"Vpc/red"}, id="a new VPC"),
        pytest.param(subnet("blue", "10.66.0.0/16"), {"Subnet/blue", "Vpc/ovn-cluster"}, id="a new subnet"),
        pytest.param(
            subnet("ovn-default", "10.16.0.0/16", default=True, mtu=1300),
            {"Subnet/ovn-default", "Vpc/ovn-cluster", "Namespace/ns1"},
            id="a changed subnet touches no pod, and the namespaces that are told of it",
        ),
        pytest.param(
            subnet("join", "100.64.0.0/16", gateway="100.64.0.9"),
            {"Subnet/join", "Vpc/ovn-cluster", "Host/lab1", "Host/lab2"},
            id="hosts know the join subnet",
        ),
        pytest.param(pod("new"), {"Pod/ns1/new"}, id="a new pod"),
        pytest.param(host("lab3"), {"Host/lab3"}, id="a new host"),
        pytest.param(namespace("ns2"), {"Namespace/ns2"}, id="a namespace is told of its subnet"),
        pytest.param(
            reservation("x", "ovn-default", "10.16.0.99", pod="x", ns="ns1"),
            {"Pod/ns1/x", "Subnet/ovn-default"},
            id="a reservation",
        ),
        pytest.param(
            vpc("ovn-cluster", namespaces=["ns1"]),
            {"Vpc/ovn-cluster", "Subnet/ovn-default", "Subnet/join"},
            id="a changed VPC",
        ),
        pytest.param(pod("web"), set(), id="what is known already"),
        pytest.param(subnet("ovn-default", "10.16.0.0/16", default=True), set(), id="a subnet as it is"),
    ],
)
def test_dirty_owners(change: Resource | Host, dirty: set[str]) -> None:
    engine = base()
    for item in (host("lab1"), host("lab2"), pod("web"), pod("db")):
        engine.put(item)
    settle(engine)
    engine.put(change)
    assert set(engine.dirty) == dirty


def test_a_subnet_change_costs_the_same_for_any_number_of_users() -> None:
    engine = base()
    for number in range(200):
        engine.put(pod(f"p{number}"))
        engine.put(host(f"lab{number}"))
    settle(engine)
    engine.put(subnet("ovn-default", "10.16.0.0/16", default=True, mtu=1300))
    assert engine.take_dirty() == ["Subnet/ovn-default", "Vpc/ovn-cluster", "Namespace/ns1"]


def test_a_port_that_comes_up_concerns_its_owner() -> None:
    engine = base()
    engine.put(pod("web"))
    settle(engine)
    for up, dirty in ((True, ["Pod/ns1/web"]), (True, []), (False, ["Pod/ns1/web"])):
        engine.set_up("web.ns1", "Pod/ns1/web", up)
        assert engine.take_dirty() == dirty


# -- reservations -----------------------------------------------------------------------------------------------------


def test_a_pod_has_no_rows_before_its_reservation() -> None:
    engine = base()
    engine.put(pod("web", node="lab1"))
    assert engine.compile("Pod/ns1/web") == NOTHING
    (created,) = engine.reserve(engine.take_dirty())
    assert (created.name, created.spec.ip_address, owner_of(created)) == ("web.ns1", "10.16.0.2", "Pod/ns1/web")
    assert len(engine.compile("Pod/ns1/web").northbound) == 1
    assert engine.reserve(["Pod/ns1/web"]) == []


def test_a_reservation_that_comes_back_from_the_store_is_the_same() -> None:
    engine = base()
    engine.put(pod("web"))
    (created,) = engine.reserve(engine.take_dirty())
    rows = engine.compile("Pod/ns1/web")
    engine.put(created.model_copy(update={"uid": "stored"}))
    settle(engine)
    assert engine.compile("Pod/ns1/web") == rows
    assert _addresses(engine) == {"web.ns1": "10.16.0.2"}


@pytest.mark.parametrize(
    ("item", "created"),
    [
        pytest.param(pod("web", ip="10.16.9.9"), {"web.ns1": "10.16.9.9"}, id="static address"),
        pytest.param(pod("web", "join"), {"web.ns1": "100.64.0.2"}, id="by annotation"),
        pytest.param(host("lab1"), {"node-lab1": "100.64.0.2"}, id="a host, on join"),
        pytest.param(pod("web", ns="ns9"), {"web.ns9": "10.16.0.2"}, id="any namespace"),
    ],
)
def test_what_is_reserved(item: Resource | Host, created: dict[str, str]) -> None:
    engine = base()
    engine.put(item)
    settle(engine)
    assert _addresses(engine) == created


def test_a_pod_on_the_hosts_network_needs_nothing() -> None:
    engine = base()
    given = pod("web", node="lab1")
    engine.put(given.model_copy(update={"spec": given.spec.model_copy(update={"host_network": True})}))
    settle(engine)
    assert _addresses(engine) == {}
    assert engine.status("Pod/ns1/web") is None


def test_a_deleted_pod_releases_just_its_address_and_only_when_its_rows_are_gone() -> None:
    engine = base()
    engine.put(subnet("tiny", "10.9.0.0/30"))
    engine.put(pod("web", "tiny"))
    settle(engine)
    engine.remove_ref("Pod/ns1/web")
    engine.put(pod("db", "tiny"))
    owners = engine.take_dirty()
    assert engine.reserve(owners) == []  # the only address still has rows
    gone = engine.releases(owners)
    assert [ip.name for ip in gone] == ["web.ns1"]
    engine.released(gone)
    settle(engine)
    assert _addresses(engine) == {"db.ns1": "10.9.0.2"}


def test_a_reservation_that_somebody_deleted_is_made_again_with_the_same_address() -> None:
    engine = base()
    for name in ("web", "db"):
        engine.put(pod(name))
    settle(engine)
    before = _addresses(engine)
    engine.remove_ref("IP/web.ns1")
    assert [ip.name for ip in engine.reserve(engine.take_dirty())] == ["web.ns1"]
    assert _addresses(engine) == before


def test_a_reservation_and_its_pod_deleted_at_once_leave_nothing() -> None:
    engine = base()
    engine.put(pod("web"))
    settle(engine)
    engine.remove_ref("IP/web.ns1")
    engine.remove_ref("Pod/ns1/web")
    settle(engine)
    assert _addresses(engine) == {}
    assert engine.addressing.pools("ovn-default")[4].used == 0


@pytest.mark.parametrize("owner", [{"pod": "web", "ns": "ns1"}, {"node": "lab9"}, {}], ids=["pod", "host", "nobody"])
def test_a_reservation_of_nobody_can_be_deleted(owner: dict[str, str]) -> None:
    engine = base()
    name = {"pod": "web.ns1", "node": "node-lab9"}.get(next(iter(owner), ""), "spare")
    engine.put(reservation(name, "ovn-default", "10.16.0.77", **owner))
    settle(engine)
    engine.put(reservation(name, "ovn-default", "10.16.0.77", **owner))
    engine.remove_ref(f"IP/{name}")
    settle(engine)
    assert _addresses(engine) == {}
    assert engine.addressing.pools("ovn-default")[4].used == 0


# -- waiting ----------------------------------------------------------------------------------------------------------


def _wait_for_subnet(engine: Engine) -> None:
    engine.put(subnet("late", "10.9.0.0/30"))


def _wait_for_release(engine: Engine) -> None:
    engine.remove_ref("Pod/ns1/first")


def _wait_for_growth(engine: Engine) -> None:
    engine.put(subnet("tiny", "10.8.0.0/24"))


def _wait_for_adoption(engine: Engine) -> None:
    engine.put(subnet("tiny", "10.8.0.0/24"))
    engine.put(reservation("web.ns1", "tiny", "10.8.0.200", pod="web", ns="ns1"))


@pytest.mark.parametrize(
    ("waiting", "reason", "message", "help_", "address"),
    [
        (
            pod("web", "late"),
            "SubnetNotFound",
            "Subnet/late does not exist",
            _wait_for_subnet,
            "10.9.0.2",
        ),
        (
            pod("web", "tiny"),
            "NoAddressAvailable",
            "Subnet/tiny: IPv4 10.8.0.0/30 is full: all 1 addresses that may be handed out are in use",
            _wait_for_release,
            "10.8.0.2",
        ),
        (
            pod("web", "tiny"),
            "NoAddressAvailable",
            "Subnet/tiny: IPv4 10.8.0.0/30 is full: all 1 addresses that may be handed out are in use",
            _wait_for_growth,
            "10.8.0.3",
        ),
        (
            pod("web", "tiny"),
            "NoAddressAvailable",
            "Subnet/tiny: IPv4 10.8.0.0/30 is full: all 1 addresses that may be handed out are in use",
            _wait_for_adoption,
            "10.8.0.200",
        ),
        (
            pod("web", "tiny", ip="10.8.0.2"),
            "AddressConflict",
            "Subnet/tiny: 10.8.0.2 is in use by first.ns1",
            _wait_for_release,
            "10.8.0.2",
        ),
    ],
    ids=["no subnet yet", "full, then released", "full, then grown", "full, then a reservation by hand", "taken"],
)
def test_who_waits_is_served_when_it_can_be(
    waiting: Resource, reason: str, message: str, help_: Any, address: str
) -> None:
    engine = base()
    engine.put(subnet("tiny", "10.8.0.0/30"))
    engine.put(pod("first", "tiny"))
    settle(engine)
    engine.put(waiting)
    settle(engine)
    said = f"{message}; tried again {NEXT_TRY[reason]}"
    assert _condition(engine, "Pod/ns1/web", "Allocated") == ("False", reason, said)
    assert engine.compile("Pod/ns1/web") == NOTHING
    help_(engine)
    settle(engine)
    assert _addresses(engine)["web.ns1"] == address
    assert engine.unallocated == {}
    assert _condition(engine, "Pod/ns1/web", "Allocated")[0] == "True"


def test_who_waits_and_goes_is_forgotten() -> None:
    engine = base()
    engine.put(pod("web", "nowhere"))
    settle(engine)
    engine.remove_ref("Pod/ns1/web")
    settle(engine)
    assert engine.unallocated == {}


# -- what is rejected -------------------------------------------------------------------------------------------------


def test_a_rejected_change_leaves_the_old_version_in_effect() -> None:
    engine = base()
    engine.put(subnet("blue", "10.66.0.0/16"))
    settle(engine)
    rows = engine.compile("Subnet/blue")
    engine.put(subnet("blue", "10.16.128.0/17"))
    settle(engine)
    assert engine.compile("Subnet/blue") == rows
    assert _condition(engine, "Subnet/blue", "Ready") == (
        "False",
        "Invalid",
        "spec.cidrBlock: 10.16.128.0/17 overlaps 10.16.0.0/16 of Subnet/ovn-default in Vpc/ovn-cluster",
    )
    engine.put(subnet("blue", "10.66.0.0/16"))
    settle(engine)
    assert engine.rejected == {}
    assert _condition(engine, "Subnet/blue", "Ready")[0] == "True"


@pytest.mark.parametrize(
    ("rejected", "help_"),
    [
        pytest.param(subnet("blue", "10.66.0.0/16", "red"), vpc("red"), id="its VPC appears"),
        pytest.param(subnet("blue", "10.9.0.0/16"), "Subnet/old", id="the overlapping subnet goes"),
        pytest.param(subnet("blue", "10.9.0.0/16"), subnet("old", "10.8.0.0/16"), id="the overlapping subnet moves"),
        pytest.param(subnet("used", "10.7.0.0/16"), "Pod/ns1/web", id="the last user of the old addresses goes"),
        pytest.param(vpc("two", namespaces=["ns7"]), "Vpc/one", id="the other VPC of a namespace goes"),
    ],
)
def test_what_was_rejected_is_tried_again(rejected: Resource, help_: Resource | str) -> None:
    engine = base()
    for item in (
        subnet("old", "10.9.0.0/16"),
        subnet("used", "10.6.0.0/16"),
        pod("web", "used"),
        vpc("one", namespaces=["ns7"]),
    ):
        engine.put(item)
    settle(engine)
    engine.put(rejected)
    settle(engine)
    assert rejected.ref in engine.rejected
    if isinstance(help_, str):
        engine.remove_ref(help_)
    else:
        engine.put(help_)
    settle(engine)
    assert engine.rejected == {}
    known = engine.view.subnets.get(rejected.name) or engine.view.vpcs.get(rejected.name)
    assert known == rejected


def test_an_object_that_was_never_accepted_leaves_without_a_trace() -> None:
    engine = base()
    engine.put(subnet("blue", "10.16.0.0/24"))
    settle(engine)
    engine.remove_ref("Subnet/blue")
    settle(engine)
    assert engine.rejected == {}
    assert engine.status("Subnet/blue") is None


def test_an_unreadable_reservation_is_not_replaced_by_another_address() -> None:
    engine = base()
    engine.reject("IP/web.ns1", [Problem("IP/web.ns1", "spec.ipAddress", "is empty")])
    engine.put(pod("web"))
    settle(engine)
    assert _addresses(engine) == {}
    assert engine.is_frozen("Pod/ns1/web")
    assert _condition(engine, "Pod/ns1/web", "Allocated") == (
        "False",
        "InvalidReservation",
        "IP/web.ns1: spec.ipAddress: is empty; tried again when the IP object is corrected or deleted",
    )
    engine.remove_ref("IP/web.ns1")
    settle(engine)
    assert _addresses(engine) == {"web.ns1": "10.16.0.2"}


# -- frozen: half a view deletes nothing ------------------------------------------------------------------------------


def _start(*items: Resource, rejected: tuple[str, ...] = ()) -> Engine:
    """A controller that has just begun: everything is dirty."""
    engine = Engine()
    for ref in rejected:
        engine.reject(ref, BROKEN)
    for item in items:
        engine.put(item)
    return engine


WEB = reservation("web.ns1", "blue", "10.66.0.5", pod="web", ns="ns1")
BLUE = subnet("blue", "10.66.0.0/16", "red")


@pytest.mark.parametrize(
    ("engine", "frozen"),
    [
        pytest.param(
            _start(vpc("red"), BLUE, WEB, pod("web", "blue")),
            {"Vpc/red": False, "Subnet/blue": False, "Pod/ns1/web": False},
            id="all is well",
        ),
        pytest.param(
            _start(vpc("red"), BLUE, WEB, rejected=("Pod/ns1/web",)), {"Pod/ns1/web": True}, id="the pod is unreadable"
        ),
        pytest.param(
            _start(vpc("red"), WEB, pod("web", "blue"), rejected=("Subnet/blue",)),
            {"Subnet/blue": True, "Pod/ns1/web": True},
            id="its subnet is",
        ),
        pytest.param(
            _start(WEB, BLUE, pod("web", "blue"), rejected=("Vpc/red",)),
            {"Vpc/red": True, "Subnet/blue": True, "Pod/ns1/web": True},
            id="the VPC of its subnet is",
        ),
        pytest.param(_start(vpc("red"), BLUE), {"Pod/ns1/web": False}, id="a pod that is gone is not frozen"),
        pytest.param(
            _start(vpc("red"), WEB, pod("web", "blue")),
            {"Subnet/blue": False, "Pod/ns1/web": False},
            id="a subnet that is gone freezes nobody",
        ),
    ],
)
def test_is_frozen(engine: Engine, frozen: dict[str, bool]) -> None:
    assert {owner: engine.is_frozen(owner) for owner in frozen} == frozen


def test_a_version_that_is_in_effect_is_not_frozen() -> None:
    engine = base()
    engine.put(pod("web"))
    settle(engine)
    for ref in ("Subnet/ovn-default", "Vpc/ovn-cluster", "Pod/ns1/web"):
        engine.reject(ref, BROKEN)
        assert not engine.is_frozen(ref)
    assert not engine.is_frozen("Pod/ns1/web")


@pytest.mark.parametrize("first", ["accepted", "rejected"])
def test_what_is_made_anew_at_once_and_is_wrong_does_not_keep_the_rows_of_the_old_one(first: str) -> None:
    engine = _start(vpc("red", namespaces=["ns1"]), rejected=() if first == "accepted" else ("Vpc/thief",))
    if first == "accepted":
        engine.put(vpc("thief"))
        settle(engine)
    engine.remove_ref("Vpc/thief")
    engine.put(vpc("thief", namespaces=["ns1"]))
    assert "Vpc/thief" in engine.rejected
    assert not engine.is_frozen("Vpc/thief")
    assert settle(engine)["Vpc/thief"] == ((), ())


def test_a_frozen_pod_keeps_its_address() -> None:
    engine = _start(vpc("red"), BLUE, WEB, rejected=("Pod/ns1/web",))
    settle(engine)
    assert engine.releases(["Pod/ns1/web"]) == []
    assert _addresses(engine) == {"web.ns1": "10.66.0.5"}


def test_a_frozen_pod_that_is_deleted_gives_up_its_rows_and_its_address() -> None:
    engine = _start(vpc("red"), BLUE, WEB, rejected=("Pod/ns1/web",))
    settle(engine)
    engine.remove_ref("Pod/ns1/web")
    compiled = settle(engine)
    assert compiled["Pod/ns1/web"] == ((), ())
    assert _addresses(engine) == {}


# -- conflicts --------------------------------------------------------------------------------------------------------


def test_a_conflict_takes_both_from_the_network_until_one_is_gone() -> None:
    engine = base()
    engine.put(pod("web"))
    settle(engine)
    engine.put(pod("db"))
    engine.put(reservation("db.ns1", "ovn-default", "10.16.0.2", pod="db", ns="ns1"))
    compiled = settle(engine)
    assert (compiled["Pod/ns1/web"], compiled["Pod/ns1/db"]) == (((), ()), ((), ()))
    assert _condition(engine, "Pod/ns1/web", "Allocated") == (
        "False",
        "AddressConflict",
        "Subnet/ovn-default: 10.16.0.2 is claimed by db.ns1 too; tried again when the other one lets go of it",
    )
    engine.remove_ref("Pod/ns1/db")
    compiled = settle(engine)
    assert len(compiled["Pod/ns1/web"][0]) == 1
    assert _addresses(engine) == {"web.ns1": "10.16.0.2"}


# -- status -----------------------------------------------------------------------------------------------------------


def test_status_of_a_pod() -> None:
    engine = base()
    engine.put(pod("web", node="lab1"))
    settle(engine)
    assert engine.status("Pod/ns1/web") == {
        "phase": "Pending",
        "podIP": "10.16.0.2",
        "podIPs": [{"ip": "10.16.0.2"}],
        "subnet": "ovn-default",
        "conditions": [
            {"type": "Allocated", "status": "True", "reason": "Reserved", "message": ""},
            {
                "type": "Ready",
                "status": "False",
                "reason": "PortDown",
                "message": "logical switch port web.ns1 is not bound on its host yet",
            },
        ],
    }
    engine.set_up("web.ns1", "Pod/ns1/web", True)
    status = engine.status("Pod/ns1/web")
    assert status is not None
    assert status["phase"] == "Running"


def test_status_of_a_subnet_counts_addresses() -> None:
    engine = base()
    engine.put(subnet("blue", "10.66.0.0/29,fd00:66::/126", enableLb=True))
    engine.put(pod("web", "blue"))
    settle(engine)
    assert engine.status("Subnet/blue") == {
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Committed", "message": ""},
            {
                "type": "Supported",
                "status": "False",
                "reason": "NotYetInEffect",
                "message": "accepted, without effect in this version: spec.enableLb",
            },
        ],
        "protocol": "Dual",
        "mcastQuerierIP": "",
        "mcastQuerierMAC": "",
        "natOutgoingPolicyRules": [],
        "activateGateway": "",
        "v4availableIPs": 4,
        "v4usingIPs": 1,
        "v4availableIPrange": "10.66.0.3-10.66.0.6",
        "v4usingIPrange": "10.66.0.2",
        "v6availableIPs": 1,
        "v6usingIPs": 1,
        "v6availableIPrange": "fd00:66::3",
        "v6usingIPrange": "fd00:66::2",
    }


def test_status_of_a_vpc_names_its_subnets() -> None:
    status = base().status("Vpc/ovn-cluster")
    assert status is not None
    assert (status["subnets"], status["defaultLogicalSwitch"], status["default"]) == (
        ["join", "ovn-default"],
        "ovn-default",
        True,
    )


def test_who_is_given_an_address_is_worked_once() -> None:
    """What a reservation touches and the same round compiles anyway does not come again in the next."""
    engine = base()
    engine.take_dirty()
    engine.put(pod("web"))
    owners = engine.take_dirty()
    assert [ip.name for ip in engine.reserve(owners)] == ["web.ns1"]
    assert engine.compile("Pod/ns1/web").northbound
    assert "Pod/ns1/web" not in engine.dirty
    assert "Subnet/ovn-default" in engine.dirty, "its counts have changed, and it is not in this round"


def test_who_waits_for_what_the_same_round_reserves_comes_again() -> None:
    engine = base()
    engine.take_dirty()
    engine.put(vip("shared"))
    engine.put(pod("web", **{"ovn.kubernetes.io/vip": "shared"}))
    engine.reserve(["Pod/ns1/web", "Vip/shared"])
    assert "Pod/ns1/web" in engine.unallocated
    assert "Pod/ns1/web" in engine.dirty
