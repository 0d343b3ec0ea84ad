"""Settings and counters of the host's kernel that a network depends on; those that it does not have are left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weft.agent.figures.family import Figure, Sample

PORT_RANGE = Figure(
    "ip_local_port_range", "Always 1: ports of the host's own connections; no NodePort may be among them",
    ("start", "end"),
)  # fmt: skip
TCP_MEM = Figure("tcp_mem", "Always 1: pages for all of TCP", ("minimum", "pressure", "maximum"))
CHECKSUMS = Figure("checksum_err_count", "UDP datagrams with a wrong checksum, of tunnels too")
SEARCH = Figure("dns_search_domain", "Always 1: a domain that the host's resolver appends", ("additional",))
_NUMBERS: Final = {
    "net/ipv4/tcp_mtu_probing": Figure("tcp_mtu_probing", "Whether TCP looks for the MTU of a path; 1 is advised"),
    "net/netfilter/nf_conntrack_tcp_be_liberal": Figure(
        "nf_conntrack_tcp_be_liberal", "Whether segments out of the window are let pass; 1 is advised"
    ),
    "net/bridge/bridge-nf-call-iptables": Figure(
        "bridge_nf_call_iptables", "Whether bridged packets pass the host's packet filter"
    ),
    "net/ipv6/route/max_size": Figure("max_size", "How many IPv6 routes the kernel keeps; at least 16384 is advised"),
}
_LISTS: Final = {"net/ipv4/ip_local_port_range": PORT_RANGE, "net/ipv4/tcp_mem": TCP_MEM}
FIGURES: Final = (PORT_RANGE, TCP_MEM, CHECKSUMS, SEARCH, *_NUMBERS.values())


def kernel(proc: Path = Path("/proc"), resolver: Path = Path("/etc/resolv.conf")) -> Iterator[Sample]:
    """What the host's own files say."""
    for name, figure in _NUMBERS.items():
        for word in _words(proc / "sys" / name):
            yield Sample(figure, float(word))
    for name, figure in _LISTS.items():
        if words := _words(proc / "sys" / name):
            yield Sample(figure, 1, tuple(words))
    for value in _checksum_errors(_lines(proc / "net/snmp")):
        yield Sample(CHECKSUMS, float(value))
    domains = next((line[1:] for line in reversed(_lines(resolver)) if line[:1] == ["search"]), [])
    for domain in dict.fromkeys(domain for domain in domains if domain != "."):
        yield Sample(SEARCH, 1, (domain,))


def _checksum_errors(lines: list[list[str]]) -> list[str]:
    """`Udp: InDatagrams … InCsumErrors …` and below it `Udp: 17 … 0 …` (proc_net_snmp(5))."""
    table = [line[1:] for line in lines if line[:1] == ["Udp:"]]
    return [value for name, value in zip(*table[:2], strict=False) if name == "InCsumErrors"]


def _lines(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return []


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line]
