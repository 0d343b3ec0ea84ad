"""weftctl trace, tcpdump, diagnose, log and perf on real databases, northd, Open vSwitch and ovn-controller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.integration.controller.documents import NAMESPACES, join, pod
from tests.support.ctl import Weftctl
from tests.support.fabric import Fabric
from tests.support.ovn import OvsHost, namespace_command, run

DOCUMENTS = join(
    NAMESPACES,
    """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: open}
spec: {cidrBlock: "10.71.0.0/24,fd00:10:71::/112", namespaces: [ns1]}
""",
    """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: shut}
spec: {cidrBlock: 10.72.0.0/24, private: true}
""",
    """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: also-shut}
spec: {cidrBlock: 10.74.0.0/24, private: true}
""",
    """
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: other}
spec: {}
""",
    """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: far}
spec: {cidrBlock: 10.73.0.0/24, vpc: other}
""",
    pod("near"),
    pod("peer"),
    *(pod(name, **{"ovn.kubernetes.io__logical_switch": name}) for name in ("shut", "also-shut", "far")),
)


class Site:
    """A host with workloads in namespaces, as far as weftctl needs them."""

    def __init__(self, made: Fabric, host: OvsHost, ctl: Weftctl) -> None:
        self.made, self.host, self.ctl = made, host, ctl

    async def wire(self, name: str) -> None:
        """What the agent does of it: a veth into a namespace, with the port's addresses."""
        row = next(row for row in await self.made.rows("Port") if row["pod_name"] == name)
        netns = self.made.ovn.add_namespace(f"{self.made.ovn.folder.name}-{name}")
        link = f"w-{name}"
        self.host.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", netns)
        self.host.ip("link", "set", link, "up")
        inside = namespace_command(netns)
        run(*inside, "ip", "link", "set", "eth0", "address", row["mac"], "up")
        run(*inside, "ethtool", "-K", "eth0", "tx", "off")
        for address in row["addresses"]:
            prefix = 112 if ":" in address else 24
            run(*inside, "ip", "addr", "add", f"{address.partition('/')[0]}/{prefix}", "dev", "eth0", "nodad")
        ids = [f"external_ids:iface-id={row['name']}", f"external_ids:pod_netns=/run/netns/{netns}"]
        self.host.vsctl("add-port", "br-int", link, "--", "set", "Interface", link, *ids)
        self.made.ovn.nbctl("wait-until", "Logical_Switch_Port", row["name"], "up=true")

    async def story(self, *words: str) -> dict[str, Any]:
        said = await self.ctl("trace", *words, "-o", "json")
        assert said.out, said.err
        [story] = said.document
        assert said.code == (0 if story["verdict"] in ("delivered", "answered", "leaves") else 1), said.out
        return dict(story)


@pytest_asyncio.fixture
async def site(translated: Fabric) -> AsyncIterator[Site]:
    made = translated
    ctl = Weftctl(made.ovn, southbound=made.ovn.southbound)
    async with made.controller() as controller:
        await made.add_host("h1", encap_type="geneve", encap_ip="172.31.0.11", mtu=1600, last_seen=1 << 32)
        await made.apply(DOCUMENTS)
        await made.settled(controller)
        host = made.ovn.start_ovs("h1")
        ctl.add_hosts(host)
        result = Site(made, host, ctl)
        for name in ("near", "peer", "shut", "also-shut", "far"):
            await result.wire(name)
        yield result


async def test_traces_name_who_decides_and_agree_with_the_flows(site: Site) -> None:
    cases = [
        (("ns1/near", "ns1/peer", "tcp", "80", "--family", "4"), "delivered", "Pod/ns1/peer"),
        (("ns1/near", "ns1/peer", "--family", "6"), "delivered", "Pod/ns1/peer"),
        (("ns1/near", "pod/ns1/shut", "udp", "53"), "dropped", "Subnet/shut"),
        (("ns1/near", "ns1/also-shut"), "dropped", "Subnet/also-shut"),
        (("ns1/far", "10.71.0.2"), "no route", "Vpc/other"),
        (("ns1/near", "10.71.0.1"), "answered", ""),
        (("ns1/near", "10.71.0.77"), "not delivered", ""),
        (("ns1/near", "10.72.0.77"), "no answer", ""),
    ]
    stories = await asyncio.gather(*(site.story(*words) for words, *_ in cases))
    for (words, verdict, owner), story in zip(cases, stories, strict=True):
        assert (story["verdict"], story["object"], story["disagreement"]) == (verdict, owner, ""), (words, story)
        assert not any(leg["unknown"] for leg in story["openflow"]), story
    assert "ACL to-lport 1000: ip: drop (of Subnet/shut)" in stories[2]["reason"]
    assert stories[0]["openflow"][0]["ports"] == ["peer.ns1"]

    # flows that are not OVN's any more: the two ways of asking differ, and that is said
    site.made.ovn.hosts["h1"].daemons["ovn-controller"].kill()
    assert (await site.ctl("ofctl", "h1", "del-flows", "br-int")).code == 0
    said = await site.ctl("trace", "ns1/near", "ns1/peer", "--family", "4")
    assert said.code == 1
    assert said.lines[1].startswith("BUT OVN's tables put it out to peer.ns1, the flows of h1 to nowhere")


async def test_captures_diagnoses_and_figures(site: Site) -> None:
    async def ping() -> None:
        netns = f"{site.made.ovn.folder.name}-near"
        peer = next(row for row in await site.made.rows("Port") if row["pod_name"] == "peer")
        address = next(item for item in peer["addresses"] if "." in item)
        process = await asyncio.create_subprocess_exec(
            *namespace_command(netns), "ping", "-i", "0.2", "-c", "100", address.partition("/")[0],
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            said = await site.ctl("tcpdump", "ns1/peer", "-c", "2", "icmp")
        finally:
            process.kill()
            await process.wait()
        assert said.out.count("ICMP echo re") == 2, said.err

    await ping()
    subnet, ports, nothing, perf = await asyncio.gather(
        site.ctl("diagnose", "subnet", "open", "-o", "json"),
        site.ctl("diagnose", "address-port", "tcp-10.72.0.2-80", "-o", "json"),
        site.ctl("diagnose", "subnet", "none"),
        site.ctl("perf", "between", "ns1/near", "ns1/peer", "--size", "512", "--seconds", "0.2", "-o", "json"),
    )
    found = {item["check"]: item for item in subnet.document}
    assert found["ports"]["found"] == "2, all up"
    assert found["ping the gateway"]["state"] == "ok", subnet.out
    tried = [item for item in ports.document if item["check"].startswith("from Pod/")]
    assert tried
    assert all("drop (of Subnet/" in item["reason"] for item in tried), ports.out
    assert nothing.code == 2
    [figures] = perf.document["figures"]
    assert figures["tcp_mbit"] > 0.5
    assert figures["tcp_us"] > 1


async def test_a_host_without_its_services_is_diagnosed(site: Site) -> None:
    said = await site.ctl("diagnose", "node", "h1", "-o", "json")
    before = {item["check"]: item for item in said.document}
    assert before["ovn-controller"]["state"] == "ok", said.out
    site.host.daemons["ovn-controller"].kill()
    site.host.ip("link", "set", "eth1", "down")
    said = await site.ctl("diagnose", "node", "h1", "-o", "json")
    after = {item["check"]: item for item in said.document if item["state"] != "ok"}
    assert said.code == 1
    assert {"ovn-controller", "tunnel link", "packet filter"} <= set(after)
    assert after["tunnel link"]["found"] == "eth1 is down"
    assert all(item["reason"] and item["advice"] for item in after.values()), said.out
    assert json.loads((await site.ctl("env-check", "h1", "-o", "json")).out)
