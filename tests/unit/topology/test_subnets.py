"""What a subnet does for its ports: rules, privacy, DHCP, advertisements, multicast (manual, sections 3.1 and 4.6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import base, pod, settle, subnet
from weft.api.common import LabelSelector
from weft.api.core import Namespace
from weft.api.problem import InvalidError
from weft.topology.rows import Ref
from weft.topology.selector import matches
from weft.topology.subnet import compile_subnet

JOIN = subnet("join", "100.64.0.0/16,fd00:100:64::/112").networks


def acls(**spec: Any) -> list[tuple[Any, ...]]:
    rows = compile_subnet(subnet("blue", "10.69.0.0/16,fd00:69::/64", **spec), JOIN).northbound
    names = ("priority", "direction", "match", "action")
    return sorted(tuple(row.columns[name] for name in names) for row in rows if row.table == "ACL")


def test_a_private_subnet_is_reached_by_its_own_by_hosts_and_by_those_allowed() -> None:
    ours, theirs = "ip4.src == 10.69.0.0/16", "ip4.src == 10.16.0.0/16"
    assert acls(private=True, allowSubnets=["10.16.0.0/16"]) == [
        (1000, "to-lport", "ip", "drop"),
        (
            1001,
            "to-lport",
            f"({ours} && ip4.dst == 10.16.0.0/16) || ({theirs} && ip4.dst == 10.69.0.0/16)",
            "allow-related",
        ),
        (1001, "to-lport", f"{ours} && ip4.dst == 10.69.0.0/16", "allow-related"),
        (1001, "to-lport", "ip6.src == fd00:69::/64 && ip6.dst == fd00:69::/64", "allow-related"),
        (3000, "to-lport", "ip4.src == 100.64.0.0/16", "allow-related"),
        (3000, "to-lport", "ip6.src == fd00:100:64::/112", "allow-related"),
    ]
    assert acls(allowSubnets=["10.16.0.0/16"]) == []


def test_rules_of_ones_own_and_traffic_that_passes_them() -> None:
    rule = {"action": "drop", "direction": "to-lport", "match": "ip4.dst == 10.69.0.2 && ip", "priority": 1002}
    assert acls(acls=[rule, rule]) == [(1002, "to-lport", "ip4.dst == 10.69.0.2 && ip", "drop")]
    between = "ip4.src == 10.69.0.0/16 && ip4.dst == 10.69.0.0/16"
    assert {item for item in acls(acls=[rule], allowEWTraffic=True) if "ip4.src" in item[2]} == {
        (1900, "to-lport", between, "allow-related"),
        (1900, "from-lport", between, "allow-related"),
    }


def test_dhcp_is_one_row_a_family_that_ports_refer_to() -> None:
    engine = base()
    engine.put(subnet("blue", "10.69.0.0/16,fd00:69::/64", enableDHCP=True, mtu=1400, dhcpV4Options="lease_time=60"))
    engine.put(pod("web", "blue", node="lab1"))
    settle(engine)
    rows = [row for row in engine.compile("Subnet/blue").northbound if row.table == "DHCP_Options"]
    assert [(row.columns["cidr"], row.columns["options"]) for row in rows] == [
        (
            "10.69.0.0/16",
            {
                "lease_time": "60",
                "router": "10.69.0.1",
                "server_id": "169.254.0.254",
                "server_mac": "0a:58:0a:45:00:01",
                "mtu": "1400",
            },
        ),
        ("fd00:69::/64", {"server_id": rows[1].columns["options"]["server_id"]}),
    ]
    (port,) = engine.compile("Pod/ns1/web").northbound
    assert port.columns["dhcpv4_options"] == (Ref("DHCP_Options", "Subnet/blue", "ipv4"),)
    assert port.columns["dhcpv6_options"] == (Ref("DHCP_Options", "Subnet/blue", "ipv6"),)


def test_ports_follow_when_dhcp_is_switched_and_not_when_its_options_change() -> None:
    engine = base()
    engine.put(subnet("blue", "10.69.0.0/16"))
    engine.put(pod("web", "blue", node="lab1"))
    settle(engine)
    engine.put(subnet("blue", "10.69.0.0/16", enableDHCP=True))
    assert "Pod/ns1/web" in engine.dirty
    settle(engine)
    engine.put(subnet("blue", "10.69.0.0/16", enableDHCP=True, dhcpV4Options="lease_time=60"))
    assert "Pod/ns1/web" not in engine.dirty


@pytest.mark.parametrize(
    ("cidr", "spec", "configs"),
    [
        ("10.69.0.0/16", {"enableIPv6RA": True}, {}),
        ("fd00:69::/64", {}, {}),
        (
            "fd00:69::/64",
            {"enableIPv6RA": True},
            {"address_mode": "dhcpv6_stateful", "max_interval": "30", "min_interval": "5", "send_periodic": "true"},
        ),
        (
            "fd00:69::/64",
            {"enableIPv6RA": True, "mtu": 1400, "ipv6RAConfigs": "address_mode=slaac, rdnss={fd00::53;fd00::54}"},
            {
                "address_mode": "slaac",
                "max_interval": "30",
                "min_interval": "5",
                "send_periodic": "true",
                "mtu": "1400",
                "rdnss": "{fd00::53,fd00::54}",
            },
        ),
    ],
)
def test_advertisements(cidr: str, spec: dict[str, Any], configs: dict[str, str]) -> None:
    port = next(
        row for row in compile_subnet(subnet("blue", cidr, **spec)).northbound if "ipv6_ra_configs" in row.columns
    )
    assert port.columns["ipv6_ra_configs"] == configs


def test_multicast_is_asked_for_by_the_gateway() -> None:
    engine = base()
    engine.put(subnet("blue", "10.69.0.0/16", enableMulticastSnoop=True, routeTable="rtb1"))
    switch, port = engine.compile("Subnet/blue").northbound[:2]
    assert switch.columns["other_config"] == {
        "mcast_snoop": "true",
        "mcast_querier": "true",
        "mcast_eth_src": "0a:58:0a:45:00:01",
        "mcast_ip4_src": "10.69.0.1",
    }
    assert port.columns["options"] == {"route_table": "rtb1"}
    status = engine.status("Subnet/blue")
    assert status is not None
    assert (status["mcastQuerierIP"], status["mcastQuerierMAC"]) == ("10.69.0.1", "0a:58:0a:45:00:01")


def test_multicast_of_ipv6_is_asked_for_from_a_link_local_address() -> None:
    """Linux passes over a query of MLD that comes from another one."""
    switch = compile_subnet(subnet("blue", "10.69.0.0/16,fd00:69::/64", enableMulticastSnoop=True)).northbound[0]
    asked_by = {key: text for key, text in switch.columns["other_config"].items() if key.endswith("_src")}
    assert asked_by == {
        "mcast_eth_src": "0a:58:0a:45:00:01",
        "mcast_ip4_src": "10.69.0.1",
        "mcast_ip6_src": "fe80::858:aff:fe45:1",
    }


def test_a_subnet_without_addresses_is_a_switch_whose_ports_have_a_mac() -> None:
    engine = base()
    engine.put(subnet("wire", "", vlan="vlan204"))
    engine.put(pod("web", "wire", node="lab1"))
    settle(engine)
    assert [row.table for row in engine.compile("Subnet/wire").northbound] == ["Logical_Switch"]
    (port,) = engine.compile("Pod/ns1/web").northbound
    ip = engine.view.ips["web.ns1"]
    assert (ip.spec.ip_address, port.columns["addresses"]) == ("", (ip.spec.mac_address,))
    assert ip.spec.mac_address
    status = engine.status("Pod/ns1/web")
    assert status is not None
    assert status["podIP"] == ""


def _namespace(name: str, **labels: str) -> Namespace:
    return Namespace.parse({"metadata": {"name": name, "labels": labels}})


def test_namespaces_are_chosen_by_their_labels_too() -> None:
    engine = base()
    engine.put(subnet("blue", "10.69.0.0/16", namespaceSelectors=[{"matchLabels": {"team": "blue"}}]))
    engine.put(_namespace("one", team="blue"))
    engine.put(_namespace("two", team="red"))
    for name in ("one", "two"):
        engine.put(pod("web", ns=name, node="lab1"))
    settle(engine)
    assert {name: ip.spec.subnet for name, ip in engine.view.ips.items()} == {
        "web.one": "blue",
        "web.two": "ovn-default",
    }
    said = engine.annotations("Namespace/one")["Namespace/one"]
    assert said["ovn.kubernetes.io/logical_switch"] == "blue"
    engine.put(_namespace("two", team="blue"))
    assert engine.annotations("Namespace/two")["Namespace/two"]["ovn.kubernetes.io/logical_switch"] == "blue"


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, ["1"]),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, ["3", "none"]),
        ({"key": "a", "operator": "Exists"}, ["1", "3"]),
        ({"key": "a", "operator": "DoesNotExist"}, ["none"]),
    ],
)
def test_selectors(expression: dict[str, Any], chosen: list[str]) -> None:
    selector = LabelSelector.model_validate({"matchExpressions": [expression]}, by_alias=True)
    labels = {"1": {"a": "1"}, "3": {"a": "3"}, "none": {}}
    assert [name for name, given in labels.items() if matches(selector, given)] == chosen


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (
            "dhcpV4Options",
            'lease_time=60, domain_name="a.org", dns_server={8.8.8.8;8.8.4.4}, server_mac=00:00:00:2E:2F:B8',
        ),
        ("dhcpV6Options", "server_id=00:00:00:2E:2F:C5, dns_server=fd00::53, dhcpv6_stateless=true"),
    ],
)
def test_options_that_ovn_reads(field: str, text: str) -> None:
    assert subnet("blue", "10.69.0.0/16", **{field: text})


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("dhcpV4Options", "lease_time=60,colour=red", "'colour' is no option of OVN; allowed: T1, T2, arp_cache"),
        ("dhcpV4Options", "lease_time", "'lease_time' is not key=value, with commas between"),
        ("dhcpV4Options", "mtu=1400,mtu=1500", "'mtu' is given twice"),
        (
            "dhcpV4Options",
            "domain_name=a.org",
            "'a.org' of 'domain_name' is no number, no address, and no text in double",
        ),
        ("dhcpV6Options", "dns_server={fd00::53;ns1}", "'{fd00::53,ns1}' of 'dns_server' is no number, no address"),
        ("dhcpV6Options", "router=10.0.0.1", "'router' is no option of OVN; allowed: "),
        ("ipv6RAConfigs", "max_interval=", "'max_interval=' is not key=value, with commas between"),
    ],
)
def test_options_that_ovn_would_pass_over(field: str, text: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        subnet("blue", "10.69.0.0/16", **{field: text})
    (problem,) = caught.value.problems
    assert problem.field == f"spec.{field}"
    assert message in problem.message
