"""The form of interconnects: what is refused before anybody is asked, and what is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.module_utils.interconnect import rows, wish
from plugins.module_utils.interconnect.kind import from_settings, to_settings

CIDRS = ["169.254.1.0/24", "fd00:a9fe:1::/64"]


def document(name: str = "ts1", *, cidrs: list[str] = CIDRS, routers: list[dict[str, Any]] | None = None) -> Any:
    return {"kind": "Interconnect", "metadata": {"name": name}, "spec": {"cidrs": cidrs, "routers": routers or []}}


def router(*addresses: str, **fields: Any) -> dict[str, Any]:
    return {"name": "ovn-cluster", "addresses": list(addresses), "gateways": [{"chassis": "g"}], **fields}


def routers(*items: dict[str, Any]) -> Any:
    return document(routers=list(items))


FIRST = router("169.254.1.1")
WRONG: dict[str, tuple[Any, str]] = {
    "cidr": (document(cidrs=["169.254.1.0/33"]), "cidrs: '169.254.1.0/33' does not appear to be"),
    "host bits": (document(cidrs=["169.254.1.1/24"]), "cidrs: 169.254.1.1/24 has host bits set; a network is allowed"),
    "family twice": (
        document(cidrs=["169.254.1.0/24", "169.254.2.0/24"]),
        "169.254.1.0/24, 169.254.2.0/24; one of",
    ),
    "no cidrs": (document(cidrs=[]), "cidrs: is required: nobody has told the transit switch's network yet"),
    "name": (document("t s"), "name: 't s'; letters, digits, hyphens, dots are allowed"),
    "outside": (
        routers(router("169.254.9.1")),
        "routers[0].addresses: 169.254.9.1; an address of 169.254.1.0/24, fd00",
    ),
    "the network": (routers(router("169.254.1.0")), "routers[0].addresses: 169.254.1.0; an address of 169.254.1.0/24"),
    "broadcast": (routers(router("169.254.1.255")), "routers[0].addresses: 169.254.1.255; an address of"),
    "with length": (routers(router("169.254.1.1/24")), "'169.254.1.1/24'; an address without prefix length is allowed"),
    "no address": (routers(router()), "routers[0].addresses: is empty; at least one address is needed"),
    "mac": (routers(router("169.254.1.1", mac="0a:00")), "routers[0].mac: '0a:00'; six pairs of hexadecimal digits"),
    "no gateway": (routers(router("169.254.1.1", gateways=[])), "routers[0].gateways: is empty; packets of the zone"),
    "priority": (
        routers(router("169.254.1.1", gateways=[{"chassis": "g", "priority": 40000}])),
        "routers[0].gateways: priority 40000 of g; 0 to 32767 are allowed",
    ),
    "chassis twice": (
        routers(router("169.254.1.1", gateways=[{"chassis": "g"}, {"chassis": "g"}])),
        "routers[0].gateways: g is named more than once",
    ),
    "router twice": (routers(FIRST, router("169.254.1.2")), "routers: ovn-cluster is named more than once"),
    "address twice": (
        routers(FIRST, router("169.254.1.1", name="shop")),
        "routers[1].addresses: 169.254.1.1; router ovn-cluster has it already",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_form(case: str) -> None:
    wrong, words = WRONG[case]
    found = wish.problems(wrong)
    assert [
        text for text in found if text.startswith(f"Interconnect/{wrong['metadata']['name']}: ") and words in text
    ], found


@pytest.mark.parametrize("cidrs", [["192.0.2.0/31"], ["2001:db8::/127"], ["192.0.2.0/30"], ["2001:db8::/64"]])
def test_small_networks_have_addresses_too(cidrs: list[str]) -> None:
    last = "1" if cidrs[0].startswith("192") else "::1"
    address = "192.0.2." + last if cidrs[0].startswith("192") else "2001:db8" + last
    assert wish.problems(document(cidrs=cidrs, routers=[router(address)])) == []


def test_what_is_left_out_is_filled_in_the_same_way_every_time() -> None:
    wished = routers(router("fd00:a9fe:1:0::1", "169.254.1.1", gateways=[{"chassis": "b"}, {"chassis": "a"}]))
    whole = wish.complete(wished, "az1")["spec"]["routers"][0]
    assert whole["addresses"] == ["169.254.1.1", "fd00:a9fe:1::1"]
    assert whole["gateways"] == [{"chassis": "b", "priority": 100}, {"chassis": "a", "priority": 99}]
    assert whole["mac"] == wish.complete(wished, "az1")["spec"]["routers"][0]["mac"]
    assert whole["mac"] != wish.complete(wished, "az2")["spec"]["routers"][0]["mac"]
    assert wish.complete(wish.complete(wished, "az1"), "az1") == wish.complete(wished, "az1")


def test_names_are_those_of_kube_ovn() -> None:
    shop = router("169.254.1.2", name="shop")
    first, second = rows.attachments("az1", wish.complete(routers(FIRST, shop), "az1"))
    assert (first.router_port, first.switch_port) == ("az1-ts1", "ts1-az1")
    assert (second.router_port, second.switch_port) == ("az1-ts1-shop", "ts1-az1-shop")
    assert "Logical_Router_Policy" in first.columns()
    assert "Logical_Router_Policy" not in second.columns()


def test_networks_of_transit_switches_overlap() -> None:
    found = wish.overlaps(
        [document(), document("ts2", cidrs=["169.254.1.128/25"]), document("ts3", cidrs=["fd00::/64"])]
    )
    assert found == ["Interconnect/ts2: cidrs: 169.254.1.128/25 overlaps 169.254.1.0/24 of Interconnect/ts1"]


def test_a_zones_options_come_back() -> None:
    settings = {"name": "az1", "advertise": True, "learn": False, "denylist": ["100.64.0.0/16", "fd00::/64"]}
    keys = from_settings(settings)
    assert keys["ic-route-blacklist"] == keys["ic-route-denylist"] == "100.64.0.0/16,fd00::/64"
    assert keys["ic-route-adv-default"] is None
    assert to_settings("az1", {key: value for key, value in keys.items() if value is not None}) == settings
