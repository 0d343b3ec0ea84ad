"""The networks of docs/examples on a lab's hosts: played as an engineer does, tried by what expect.yml says.

The same for a fabric with a store of its own and for one with a Kubernetes API: only the inventory differs.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml

from tests.lab.conftest import CHECKOUT, Lab
from tests.support.outside import PORT, answering, client
from tests.support.play import Play, play

FOLDER = CHECKOUT / "docs/examples"
PLAYBOOK = "docs/examples/site/playbook.yml"
NAMES: tuple[str, ...] = tuple(yaml.safe_load((FOLDER / "site/vars.yml").read_text())["every_network"])
OUTSIDE = "172.30.0.1"
LEFT = ("namespaces", "ippools", "vips", "ips")
"""Kinds that the Northbound does not show."""
TABLES = ("Logical_Router", "Logical_Switch", "Logical_Switch_Port", "Logical_Router_Port", "Address_Set")
TRIES = {True: 12, False: 2}
PATIENCE = 30
Content = dict[str, list[str]]


@dataclass(frozen=True)
class Expectation:
    """What a network's expect.yml promises, now or after the next commit."""

    reached: list[list[str]] = field(default_factory=list)
    refused: list[list[str]] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    diff: list[str] = field(default_factory=list)
    prepare: dict[str, list[str]] = field(default_factory=dict)
    next: dict[str, Any] = field(default_factory=dict)


def expectation(name: str, commit: str) -> Expectation:
    found = Expectation(**yaml.safe_load((FOLDER / name / "expect.yml").read_text()))
    return found if commit == "network" else Expectation(**found.next)


@dataclass
class Parties:
    """Who there is: by network namespace, its host and its addresses."""

    host: dict[str, str]
    addresses: dict[str, list[str]]

    def targets(self, source: str, target: str) -> list[str]:
        """Addresses by which one may be asked: those of the families that the source has too."""
        families = {ip_address(own).version for own in self.addresses[source]}
        return [text for text in self.addresses.get(target, [target]) if ip_address(text).version in families]


@dataclass
class Site:
    """A lab, how it is played on, and its command for objects: weftctl or kubectl."""

    lab: Lab
    get: str
    switch: str
    environment: dict[str, str]

    def play(self, *arguments: str, **variables: Any) -> Play:
        return play(PLAYBOOK, *arguments, variables=variables, environment=self.environment)

    def content(self) -> Content:
        """All that networks leave, by names, in the databases and on the hosts.

        Namespaces of a container runtime are not counted: a kubelet has one made and removed whenever it tries in vain
        to start a pod whose namespace the agent keeps.
        """
        tables = [f"ovn-nbctl --no-leader-only --bare --columns=name list {table}" for table in TABLES]
        kinds = [f"{self.get} get {kind} --all-namespaces --output name" for kind in LEFT]
        script = "; echo ===; ".join([*tables, *kinds])
        parts = self.lab["lab1"].run(script, timeout=120).stdout.split("===")
        found = {what: sorted(part.split()) for what, part in zip((*TABLES, *LEFT), parts, strict=True)}
        kept = [host.run("ls /run/netns").stdout for host in self.lab]
        return {**found, "netns": sorted(name for name in " ".join(kept).split() if not name.startswith("cni-"))}

    def parties(self, commit: str) -> Parties:
        """Those of this commit, once all are there: on Kubernetes a playbook waits for addresses alone."""
        deadline, wanted = time.monotonic() + PATIENCE, sorted(namespaces(commit))
        while True:
            found = self._look(wanted)
            lacking = [name for name in wanted if not found.addresses.get(name)]
            if not lacking:
                return found
            assert time.monotonic() < deadline, f"not on a host within {PATIENCE} s: {', '.join(lacking)}"
            time.sleep(0.5)

    def _look(self, wanted: list[str]) -> Parties:
        found = Parties({}, {})
        there = "for n in %s; do test ! -e /run/netns/$n || echo $n $(ip -n $n -json address show dev eth0); done"
        for host in self.lab:
            for line in host.run(there % " ".join(wanted)).stdout.splitlines():
                name, _, shown = line.partition(" ")
                (link,) = json.loads(shown or "[{}]")
                found.host[name] = host.name
                found.addresses[name] = [a["local"] for a in link.get("addr_info", []) if a["scope"] == "global"]
        return found


def namespaces(commit: str) -> set[str]:
    """Network namespaces of the workloads that the examples have after a commit."""
    lists = []
    for name in NAMES:
        files = [FOLDER / name / f"{part}.yml" for part in ("network", commit)]
        lists.append({key: value for file in files for key, value in yaml.safe_load(file.read_text()).items()})
    return {f"{item['name']}.{item['namespace']}" for each in lists for item in each.get("workloads", [])}


@dataclass
class Packets:
    """What came of all tries of one commit, made at once."""

    parties: Parties
    answered: dict[tuple[str, str], bool]
    seen: dict[str, str]


def try_all(site: Site, commit: str) -> Packets:
    parties = site.parties(commit)
    wanted = {name: expectation(name, commit) for name in NAMES}
    for expected in wanted.values():
        for name, commands in expected.prepare.items():
            for command in commands:
                site.lab[parties.host[name]].run(["ip", "netns", "exec", name, *shlex.split(command)])
    answered: dict[tuple[str, str], bool] = {}
    for reach in (True, False):
        pairs = [pair for expected in wanted.values() for pair in (expected.reached if reach else expected.refused)]
        answered |= _ping(site, parties, list(_probes(parties, pairs)), TRIES[reach])
    with answering(site.switch, "outside"):
        seen = {name: _seen(site, parties.host[name], name) for expected in wanted.values() for name in expected.seen}
    return Packets(parties, answered, seen)


def _probes(parties: Parties, pairs: list[list[str]]) -> Iterator[tuple[str, str]]:
    for source, target in pairs:
        yield from ((source, address) for address in parties.targets(source, target))


def _ping(site: Site, parties: Parties, probes: list[tuple[str, str]], tries: int) -> dict[tuple[str, str], bool]:
    """All at once, one call a host: the first packets on a new path of the userspace datapath may be lost."""
    answered = dict.fromkeys(probes, False)
    processes = []
    for host in site.lab:
        mine = [probe for probe in probes if parties.host[probe[0]] == host.name]
        lines = [
            f"( for i in $(seq {tries}); do ip netns exec {source} ping -qc 1 -W 1 {address} >/dev/null 2>&1"
            f" && echo {source} {address} && break; sleep 0.3; done ) &"
            for source, address in mine
        ]
        processes.append(host.start("\n".join([*lines, "wait"])))
    for process in processes:
        output, _ = process.communicate(timeout=120)
        for line in output.splitlines():
            source, address = line.split()
            answered[source, address] = True
    return answered


def _seen(site: Site, host: str, name: str) -> str:
    """As whom a server beyond the fabric sees a workload."""
    command = ["ip", "netns", "exec", name, *client(OUTSIDE, PORT)]
    for _ in range(3):
        answer = site.lab[host].run(command, check=False).stdout
        if answer:
            return answer
    return ""


class Contract:
    """The tests, for whichever store: a module's `site` says which. They stand in the order of an engineer's day."""

    @pytest.fixture(scope="class")
    @classmethod
    def before(cls, site: Site) -> Content:
        return site.content()

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, site: Site, before: Content) -> Iterator[Site]:
        """The networks as their lists say."""
        site.play().succeeded()
        yield site
        if site.content() != before:
            site.play(state="deleted", commit="next")

    @pytest.fixture(scope="class")
    @classmethod
    def packets(cls, made: Site) -> Packets:
        return try_all(made, "network")

    @pytest.fixture(scope="class")
    @classmethod
    def committed(cls, made: Site, packets: Packets) -> tuple[Play, Packets]:
        """The engineer's next commit: what the playbook showed, and packets afterwards."""
        seen = made.play("--diff", commit="next").succeeded()
        return seen, try_all(made, "next")

    def test_check_mode_shows_the_changes_and_makes_none(self, site: Site, before: Content) -> None:
        seen = site.play("--check", "--diff").succeeded()
        assert seen.changed == {"lab1": 5}
        for text in (
            '+        "cidr_block": "10.20.0.0/24"',
            "Vpc/shop does not exist: taken for granted in check mode",
        ):
            assert text in seen.text
        assert site.content() == before

    @pytest.mark.parametrize("name", NAMES)
    def test_packets(self, packets: Packets, name: str) -> None:
        judge(packets, expectation(name, "network"))

    def test_the_second_run_changes_nothing(self, made: Site) -> None:
        assert made.play().succeeded().changed == {"lab1": 0}

    @pytest.mark.parametrize("name", NAMES)
    def test_the_next_commit(self, committed: tuple[Play, Packets], name: str) -> None:
        seen, packets = committed
        expected = expectation(name, "next")
        assert [line for line in expected.diff if line not in seen.text.splitlines()] == []
        judge(packets, expected)

    def test_deleted_leaves_nothing(self, site: Site, before: Content, committed: object) -> None:
        assert site.play(state="deleted", commit="next").succeeded().changed == {"lab1": 5}
        assert site.content() == before


def judge(packets: Packets, expected: Expectation) -> None:
    """All that a network promises."""
    for name, networks in expected.addresses.items():
        allowed = [ip_network(network) for network in networks.split(",")]
        own = packets.parties.addresses[name]
        assert own, name
        assert all(any(ip_address(address) in network for network in allowed) for address in own), (name, own)
    for pairs, reached in ((expected.reached, True), (expected.refused, False)):
        for probe in _probes(packets.parties, pairs):
            assert packets.answered[probe] == reached, probe
    for name, host in expected.seen.items():
        assert packets.seen[name] == f"outside 172.30.0.1{host[-1]}", name
