"""Subnets with rules, DHCP and advertisements: what real northd makes of them (manual, sections 3.1 and 4.6)."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from tests.integration.controller.documents import join
from tests.integration.controller.trace import reaches
from tests.support.fabric import Fabric
from tests.support.ovn import program
from weft.api.options import DHCP_V4, DHCP_V6

pytestmark = pytest.mark.asyncio


def _subnet(name: str, cidr: str, more: str = "") -> str:
    return f"apiVersion: kubeovn.io/v1\nkind: Subnet\nmetadata: {{name: {name}}}\nspec:\n  cidrBlock: '{cidr}'\n{more}"


def _in(subnet: str, name: str, address: str) -> str:
    marks = f"ovn.kubernetes.io/logical_switch: {subnet}, ovn.kubernetes.io/ip_address: '{address}'"
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: default, annotations: {{{marks}}}}}\n"
        "spec: {nodeName: h1}\n"
    )


async def test_who_reaches_a_private_subnet(translated: Fabric) -> None:
    allowed = "  private: true\n  allowSubnets: [10.71.0.0/16, 'fd00:71::/64']\n"
    documents = join(
        _subnet("private", "10.69.0.0/16,fd00:69::/64", allowed),
        _subnet("friend", "10.71.0.0/16,fd00:71::/64"), _subnet("stranger", "10.72.0.0/16,fd00:72::/64"),
        _in("private", "a", "10.69.0.10,fd00:69::10"), _in("private", "b", "10.69.0.11,fd00:69::11"),
        _in("friend", "f", "10.71.0.10,fd00:71::10"), _in("stranger", "s", "10.72.0.10,fd00:72::10"),
    )  # fmt: skip
    await translated.add_host("h1")
    async with translated.controller() as controller:
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        for family in (4, 6):
            assert await reaches(translated, "b.default", "a.default", family), "its own"
            assert await reaches(translated, "f.default", "a.default", family), "one that is allowed"
            assert await reaches(translated, "a.default", "f.default", family), "and back"
            assert not await reaches(translated, "s.default", "a.default", family), "a stranger"
            assert not await reaches(translated, "a.default", "s.default", family), "nor does it reach one"
        assert await reaches(translated, "node-h1", "a.default"), "a host, to probe its pods"
        assert await translated.apply(_subnet("private", "10.69.0.0/16,fd00:69::/64", "  private: false\n")) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        assert await reaches(translated, "s.default", "a.default"), "a stranger, now"


ACLS = """  acls:
  - {action: drop, direction: to-lport, match: ip4.dst == 10.10.0.2 && ip, priority: 1002}
  - {action: allow-related, direction: from-lport, match: ip4.src == 10.10.0.2 && ip, priority: 1002}
"""


@pytest.mark.parametrize(("allowed", "priority"), [(False, 1002), (True, 1002), (True, 1500)])
async def test_rules_and_traffic_within_a_subnet(translated: Fabric, allowed: bool, priority: int) -> None:
    """The manual's example; `allowEWTraffic` comes before rules of a priority below 1900."""
    rules = ACLS.replace("1002", str(priority)) + f"  allowEWTraffic: {str(allowed).lower()}\n"
    documents = join(
        _subnet("acl", "10.10.0.0/24", rules), _subnet("other", "10.11.0.0/24"),
        _in("acl", "a", "10.10.0.2"), _in("acl", "b", "10.10.0.3"), _in("other", "c", "10.11.0.3"),
    )  # fmt: skip
    async with translated.controller() as controller:
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        assert not await reaches(translated, "c.default", "a.default"), "dropped"
        assert await reaches(translated, "b.default", "a.default") is allowed, "within the subnet"
        assert await reaches(translated, "a.default", "b.default")


async def test_dhcp_advertisements_and_multicast_are_what_northd_takes(translated: Fabric) -> None:
    more = "  enableDHCP: true\n  enableIPv6RA: true\n  enableMulticastSnoop: true\n  mtu: 1400\n"
    documents = join(_subnet("sn-dual", "10.0.0.0/24,240e::a00/120", more), _in("sn-dual", "vm", "10.0.0.5,240e::a05"))
    async with translated.controller() as controller:
        assert await translated.apply(documents) == []
        await translated.settled(controller)
        translated.ovn.nbctl("--wait=sb", "sync")
        flows = translated.ovn.sbctl("dump-flows", "sn-dual")
        assert "offerip = 10.0.0.5" in flows
        assert "lease_time = 3600" in flows
        assert "put_dhcpv6_opts" in flows
        assert "put_nd_ra_opts" in translated.ovn.sbctl("dump-flows", "ovn-cluster")
        assert 'mcast_snoop="true"' in translated.ovn.nbctl("get", "logical_switch", "sn-dual", "other_config")


async def test_the_options_that_we_know_are_those_that_ovn_knows(translated: Fabric) -> None:
    """Others are passed over by northd with a line in its log, so that they are refused at the door."""
    translated.ovn.nbctl("--wait=sb", "sync")
    for table, ours in (("DHCP_Options", DHCP_V4), ("DHCPv6_Options", DHCP_V6)):
        theirs = set(translated.ovn.sbctl("--bare", "--columns=name", "list", table).split())
        assert theirs <= ours, table
        assert ours - theirs <= {"server_mac", "server_id", "hostname", "dhcpv6_stateless"}, table


@pytest.mark.parametrize(("value", "read"), [('"a.org"', True), ("a.org", False), ("ns1", False)])
async def test_a_value_that_we_refuse_is_one_that_ovn_cannot_read(translated: Fabric, value: str, read: bool) -> None:
    """ovn-trace tells, as ovn-controller does in its log; the port would get no answer at all."""
    quoted = value.replace('"', '\\"')
    options = f'lease_time=60 server_id=10.0.0.1 server_mac="0a:00:00:00:00:02" domain_name="{quoted}"'
    ovn = translated.ovn
    ovn.nbctl(
        "ls-add", "blue", "--", "lsp-add", "blue", "p", "--", "lsp-set-addresses", "p", "0a:00:00:00:00:01 10.0.0.5"
    )
    row = ovn.nbctl("create", "dhcp_options", "cidr=10.0.0.0/24", f"options={options}")
    ovn.nbctl("--wait=sb", "lsp-set-dhcpv4-options", "p", row)
    command = (program("ovn-trace"), f"--db={ovn.southbound}", "blue", 'inport=="p" && eth.src==0a:00:00:00:00:01')
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
    assert ("parsing actions failed" not in done.stderr) == read, done.stderr
