"""A subnet gets other CIDRs: its users' reservations are taken away, it changes, and they get others of it."""

from __future__ import annotations

import pytest

from tests.unit.topology.build import base, host, pod, settle, subnet, vip
from weft.topology import rules

BLUE = "10.66.0.0/24"


@pytest.mark.parametrize(
    ("after", "addresses"),
    [
        pytest.param("10.67.0.0/24", {"vip-one": "10.67.0.2", "web.ns1": "10.67.0.3"}, id="other addresses"),
        pytest.param(BLUE, {"web.ns1": "10.66.0.2", "vip-one": "10.66.0.3"}, id="none: as before"),
        pytest.param(
            "10.67.0.0/24,fd00:67::/120",
            {"vip-one": "10.67.0.2,fd00:67::2", "web.ns1": "10.67.0.3,fd00:67::3"},
            id="both families anew",
        ),
        pytest.param(
            f"{BLUE},fd00:67::/120",
            {"vip-one": "10.66.0.4,fd00:67::2", "web.ns1": "10.66.0.5,fd00:67::3"},
            id="a second family",
        ),
    ],
)
def test_users_get_addresses_of_the_new_cidr(after: str, addresses: dict[str, str]) -> None:
    engine = base()
    for item in (subnet("blue", BLUE), pod("web", "blue", node="lab1"), vip("one", "blue")):
        engine.put(item)
    settle(engine)
    names = sorted(engine.view.ips_of_subnet["blue"])
    wanted = subnet("blue", after)
    assert after == BLUE or after.startswith(BLUE) or rules.check_put(engine.view, wanted), "users are in the way"
    for name in names:
        engine.remove_ref(f"IP/{name}")
    assert rules.check_put(engine.view, wanted) == []
    engine.put(wanted)
    compiled = settle(engine)
    assert {name: engine.view.ips[name].spec.ip_address for name in addresses} == addresses
    assert engine.addressing.conflicts == {}
    if after != BLUE:
        assert addresses["web.ns1"].split(",")[0] in str(compiled["Pod/ns1/web"])


def test_hosts_get_addresses_of_the_new_join_cidr() -> None:
    engine = base()
    engine.put(host("lab1", "192.0.2.1"))
    engine.put(host("lab2", "192.0.2.2"))
    settle(engine)
    for name in sorted(engine.view.ips_of_subnet["join"]):
        engine.remove_ref(f"IP/{name}")
    engine.put(subnet("join", "100.65.0.0/16"))
    compiled = settle(engine)
    assert {name: ip.spec.ip_address for name, ip in engine.view.ips.items()} == {
        "node-lab1": "100.65.0.2",
        "node-lab2": "100.65.0.3",
    }
    assert "100.64." not in str(compiled), "routes and policies of the default VPC follow"


def test_a_subnet_that_came_before_its_users_went_is_taken_then() -> None:
    """As a Kubernetes API tells of kinds: each in its own time."""
    engine = base()
    for item in (subnet("blue", BLUE), pod("web", "blue", node="lab1")):
        engine.put(item)
    settle(engine)
    engine.put(subnet("blue", "10.67.0.0/24"))
    assert "Subnet/blue" in engine.rejected
    engine.remove_ref("IP/web.ns1")
    settle(engine)
    assert engine.rejected == {}
    assert engine.view.ips["web.ns1"].spec.ip_address == "10.67.0.2"
