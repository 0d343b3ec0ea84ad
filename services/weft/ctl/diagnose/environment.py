"""`env-check`: whether a machine can be a host of the fabric, and whether one that is has all that it needs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from weft.ctl.diagnose.finding import Finding, State, well
from weft.ctl.diagnose.look import Seen

Facts = Mapping[str, Any]
OURS = ("ovsdb-server", "ovs-vswitchd", "weft-agent", "weft-controller", "python", "ovn-", "weft")
PORTS = {
    ("tcp", 6641): "Northbound", ("tcp", 6642): "Southbound", ("tcp", 16642): "Southbound for northd",
    ("tcp", 6643): "Northbound's RAFT", ("tcp", 6644): "Southbound's RAFT", ("tcp", 6645): "Weft",
    ("tcp", 16645): "Weft for controllers", ("tcp", 6646): "Weft's RAFT", ("tcp", 10660): "controller's metrics",
    ("tcp", 10665): "agent's metrics", ("udp", 6081): "Geneve",
}  # fmt: skip
OLDEST = {"ovn": (24, 3), "ovs": (3, 3), "python": (3, 11)}
SKEW_WARNS, SKEW_FAILS = 1.0, 10.0
"""Seconds: leases and certificates do not mind the first, and do the second."""
LEAST_MTU, LEAST_DISK = 1400, 1 << 30
OWN_CNI = ("weft", "kube-ovn")


def check_environment(seen: Seen) -> list[Finding]:
    """All checks of a host."""
    if seen.error:
        return [not_reached(seen)]
    found = [_skew(seen)]
    checks: Sequence[Callable[[str, Facts], Iterator[Finding]]] = (
        _modules, _ports, check_tunnel_link, _dns, _hugepages, _cni, _versions, _foreign, _disk,
    )  # fmt: skip
    for check in checks:
        found += check(seen.host, seen.facts)
    return found


def not_reached(seen: Seen) -> Finding:
    """A host that told nothing."""
    advice = "ssh there by hand; [hosts] and [ssh] of weftctl.toml"
    return Finding(seen.host, "reached", State.unknown, "no answer", seen.error, advice)


def check_alike(all_seen: Sequence[Seen]) -> Iterator[Finding]:
    """What should be the same on all hosts."""
    known = [seen for seen in all_seen if not seen.error]
    for name in ("ovs", "ovn"):
        by_version: dict[str, list[str]] = {}
        for seen in known:
            if version := seen.facts["versions"].get(name):
                by_version.setdefault(version, []).append(seen.host)
        if len(by_version) > 1:
            text = "; ".join(f"{version}: {', '.join(hosts)}" for version, hosts in sorted(by_version.items()))
            advice = "upgrade the others, databases before hosts"
            yield Finding("hosts", f"version of {name}", State.warning, text, "hosts differ", advice)


def _skew(seen: Seen) -> Finding:
    text = f"{seen.skew:+.1f} s from this machine"
    if abs(seen.skew) < SKEW_WARNS:
        return well(seen.host, "time", "as this machine's")
    state = State.failed if abs(seen.skew) >= SKEW_FAILS else State.warning
    reason = "certificates, leases and logs are compared by the clock"
    return Finding(seen.host, "time", state, text, reason, "run chrony or systemd-timesyncd there: timedatectl")


def userspace(facts: Facts) -> bool:
    """Whether the host's switch needs no kernel module."""
    switch = facts["switch"]
    return bool(switch and switch["external_ids"].get("ovn-bridge-datapath-type") == "netdev")


def _modules(host: str, facts: Facts) -> Iterator[Finding]:
    modules = facts["modules"]
    for name in ("openvswitch", "nf_conntrack", "nf_tables"):
        state = modules.get(name, "absent")
        if state != "absent":
            yield well(host, f"module {name}", state)
        elif name == "openvswitch" and userspace(facts):
            yield well(host, f"module {name}", "absent, and not needed: the datapath is in userspace")
        elif name == "openvswitch":
            reason = "the kernel's datapath needs it"
            advice = "a kernel with it, or openvswitch_datapath: netdev"
            yield Finding(host, f"module {name}", State.failed, state, reason, advice)
        elif not facts["tables"]:
            reason = "packet filter and connection tracking need it"
            yield Finding(host, f"module {name}", State.warning, state, reason, "a kernel with it")


def _ports(host: str, facts: Facts) -> Iterator[Finding]:
    taken = [
        (protocol, port, program)
        for protocol, port, program in facts["listeners"]
        if (protocol, port) in PORTS and program and not program.startswith(OURS)
    ]
    for protocol, port, program in taken:
        reason = f"{PORTS[protocol, port]} of the fabric listens there"
        yield Finding(
            host, "ports", State.failed, f"{protocol} {port} is {program}'s", reason, f"stop {program}, or move it"
        )
    plain = [name for name, link in facts["links"].items() if link["kind"] == "geneve" and name != "genev_sys_6081"]
    for name in plain:
        reason = "a link of the kernel's holds the port that Open vSwitch's tunnels need"
        yield Finding(host, "ports", State.failed, f"link {name} is a geneve device", reason, f"ip link del {name}")
    if not taken and not plain:
        yield well(host, "ports", "none of the fabric's is taken by others")


def check_tunnel_link(host: str, facts: Facts) -> Iterator[Finding]:
    """The link that tunnels begin at: there, up, and wide enough."""
    switch = facts["switch"]
    encap = (switch or {"external_ids": {}})["external_ids"].get("ovn-encap-ip", "").partition(",")[0]
    for name, link in facts["links"].items():
        if encap and encap in link["addresses"]:
            if not link["up"]:
                advice = f"ip link set {name} up; who took it down?"
                yield Finding(host, "tunnel link", State.failed, f"{name} is down", f"tunnels begin at {encap}", advice)
            elif link["mtu"] < LEAST_MTU:
                reason = "what is left for workloads is little"
                advice = "a larger MTU of the network below"
                yield Finding(host, "tunnel link", State.warning, f"{name} has MTU {link['mtu']}", reason, advice)
            else:
                yield well(host, "tunnel link", f"{name} {encap}, MTU {link['mtu']}")
            return
    if encap:
        reason = f"Open vSwitch is told that tunnels begin at {encap}"
        advice = "the link that should have it, or ovn-encap-ip"
        yield Finding(host, "tunnel link", State.failed, f"no link has {encap}", reason, advice)


def _dns(host: str, facts: Facts) -> Iterator[Finding]:
    dns = facts["dns"]
    if dns["error"]:
        reason = f"its own name is not found: {dns['error']}"
        advice = "an entry in /etc/hosts, or /etc/resolv.conf"
        yield Finding(host, "names", State.warning, ", ".join(dns["servers"]) or "no server", reason, advice)
    elif dns["seconds"] > 2:
        found = f"{dns['seconds']:.1f} s for its own name"
        yield Finding(host, "names", State.warning, found, "a server does not answer", "/etc/resolv.conf")
    else:
        yield well(host, "names", ", ".join(dns["servers"]) or "no server, its own name is known")


def _hugepages(host: str, facts: Facts) -> Iterator[Finding]:
    pages = {size: counts for size, counts in facts["hugepages"].items() if counts[0]}
    wanted = (facts["switch"] or {"other_config": {}})["other_config"].get("dpdk-init") == "true"
    text = ", ".join(f"{total} of {size} kB, {free} free" for size, (total, free) in sorted(pages.items())) or "none"
    if wanted and not pages:
        advice = "vm.nr_hugepages, or hugepages= of the kernel"
        yield Finding(host, "hugepages", State.failed, text, "Open vSwitch is told to use DPDK", advice)
    else:
        yield well(host, "hugepages", text)


def _cni(host: str, facts: Facts) -> Iterator[Finding]:
    files = facts["cni"]
    ours = [name for name, types in files if any(kind in OWN_CNI for kind in types)]
    others = [name for name, types in files if not any(kind in OWN_CNI for kind in types)]
    if not ours and not others:
        yield well(host, "CNI", "no configuration")
    elif not ours:
        reason = "another plugin has the pods of this host"
        yield Finding(host, "CNI", State.warning, ", ".join(others), reason, "remove it before the fabric's comes")
    elif files[0][0] in others:
        reason = f"a runtime takes the first file, which is not the fabric's ({ours[0]})"
        yield Finding(host, "CNI", State.failed, files[0][0], reason, f"remove /etc/cni/net.d/{files[0][0]}")
    else:
        yield well(host, "CNI", f"{ours[0]} comes first")


def _versions(host: str, facts: Facts) -> Iterator[Finding]:
    versions = facts["versions"]
    for name, oldest in OLDEST.items():
        if (version := versions.get(name)) and tuple(map(int, version.split(".")[:2])) < oldest:
            least = ".".join(map(str, oldest))
            yield Finding(
                host, "versions", State.failed, f"{name} {version}", f"{least} is the oldest that works", "upgrade"
            )
            return
    yield well(host, "versions", "  ".join(f"{name} {version}" for name, version in sorted(versions.items())))


def _foreign(host: str, facts: Facts) -> Iterator[Finding]:
    """Other managers of packets."""
    if facts["units"].get("firewalld") == "active":
        reason = "it may drop tunnels (UDP 6081) and the databases' ports"
        yield Finding(host, "firewall", State.warning, "firewalld runs", reason, "open these ports, or disable it")
    if facts["sysctls"].get("net.ipv4.conf.all.rp_filter") == "1":
        reason = "answers that come by another link than the question left by are dropped"
        advice = "sysctl net.ipv4.conf.all.rp_filter=2"
        yield Finding(host, "rp_filter", State.warning, "strict", reason, advice)


def _disk(host: str, facts: Facts) -> Iterator[Finding]:
    free = facts["disk_free"]
    if free < LEAST_DISK:
        reason = "databases and logs are there"
        yield Finding(host, "disk", State.warning, f"{free >> 20} MiB free in /var", reason, "make room")
    else:
        yield well(host, "disk", f"{free >> 30} GiB free in /var")
