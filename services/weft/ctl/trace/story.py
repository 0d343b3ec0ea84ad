"""A whole trace: what was asked, the verdict, the way by OVN's tables and by the hosts' flows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from weft.ctl.central.backup import tls_options
from weft.ctl.central.databases import SOUTHBOUND, remotes
from weft.ctl.errors import CtlError, UsageError
from weft.ctl.hosts.run import find_hosts, run_here
from weft.ctl.session import Session
from weft.ctl.trace.ends import Atlas, End, Hop, families, first_hop, read_atlas
from weft.ctl.trace.hints import read_causes
from weft.ctl.trace.logical import Logical, parse_logical
from weft.ctl.trace.packet import Packet, asking_mac
from weft.ctl.trace.verdict import Place, Verdict, arrived, judge, places
from weft.ctl.trace.way import Leg, follow

_NEW = ["--ct=new"] * 8
TIMEOUT = 120.0
RESIDENT = "is_chassis_resident"


@dataclass(frozen=True, slots=True)
class Question:
    """What the command line asks; `family` 0 means both."""

    source: str
    destination: str
    protocol: str = "icmp"
    port: int = 80
    operation: str = "request"
    mac: str = ""
    family: int = 0
    namespace: str = "default"
    openflow: bool = True


@dataclass(slots=True)
class Story:
    """One packet's."""

    source: End
    destination: str
    packet: Packet | None
    verdict: Verdict
    hop: str = ""
    places: Sequence[Place] = ()
    legs: Sequence[Leg] = ()
    disagreement: str = ""
    raw: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.verdict.good and not self.disagreement

    def document(self) -> dict[str, Any]:
        verdict = self.verdict
        return {
            "source": self.source.ref,
            "destination": self.destination,
            "packet": self.packet.shown if self.packet is not None else "",
            "verdict": verdict.word,
            "reason": verdict.why,
            "object": verdict.owner,
            "port": verdict.port,
            "logical": [place.document() for place in self.places],
            "openflow": [leg.document() for leg in self.legs],
            "disagreement": self.disagreement,
        }

    def lines(self) -> Iterator[str]:
        yield self.verdict.text
        if self.disagreement:
            yield f"BUT {self.disagreement}"
        if self.packet is None:
            return
        packet = self.packet
        ends = f"from {self.source.ref} {packet.source} to {self.destination}"
        yield f"  packet    {packet.shown} {ends}, first to {self.hop}"
        for place in self.places:
            yield f"  logical   {place.name}"
            yield from (f"              {note}" for note in place.notes)
        for leg in self.legs:
            went = ", ".join(leg.went) or "not known"
            yield f"  openflow  host {leg.host}: in {leg.came}, {leg.tables} flows, out to {went}"
            if leg.unknown:
                yield f"              not known: {leg.unknown}"


async def tell(session: Session, question: Question) -> list[Story]:
    """A story for each family in which both ends have addresses. Raises UsageError and CtlError."""
    atlas = await read_atlas(session)
    source = atlas.find(question.source, question.namespace)
    if not source.port:
        raise UsageError(
            f"{question.source}: no workload or host has this address, and a packet has to begin somewhere"
        )
    destination = atlas.find(question.destination, question.namespace, atlas.vpc_of(source))
    if question.destination in destination.addresses:
        destination = replace(destination, addresses=(question.destination,))
    chosen = families(source, destination, question.family)
    return [await _one(session, atlas, question, source, destination.address(family)) for family in chosen]


async def _one(session: Session, atlas: Atlas, question: Question, source: End, address: str) -> Story:
    try:
        hop = await _hop(session, atlas, question, source, address)
    except UsageError:
        raise
    except CtlError as error:
        text = error.lines[0]
        if not text.startswith("not delivered: "):
            raise
        return Story(source, address, None, Verdict("not delivered", text.partition(": ")[2]))
    own = source.address(6 if ":" in address else 4)
    packet = Packet(question.protocol, source.mac, hop.mac, own, address, question.port, question.operation)  # type: ignore[arg-type]
    text = await _ovn_trace(session, source, packet)
    trace = parse_logical(text)
    causes = await read_causes(session, trace)
    verdict = judge(trace, atlas, source, address, causes)
    legs: Sequence[Leg] = ()
    if question.openflow:
        legs = await follow(await find_hosts(session), atlas, source, packet)
    verdict = _where_resident(trace, verdict, legs, (atlas, source, address))
    raw = [text, *(f"host {leg.host}\n{leg.raw}" for leg in legs)]
    found = places(trace, atlas, causes)
    return Story(source, address, packet, verdict, hop.words, found, legs, disagreement(trace, verdict, legs), raw)


def _where_resident(trace: Logical, verdict: Verdict, legs: Sequence[Leg], ends: tuple[Atlas, End, str]) -> Verdict:
    """What is for the host alone that a port is on, ovn-trace takes to be everywhere: there the hosts' flows know."""
    if not trace.outputs or not any(RESIDENT in step.match for step in trace.steps):
        return verdict
    ports = [port for leg in legs for port in leg.ports]
    if not ports:
        return replace(verdict, why=f"{verdict.why}; or at another host, since it depends on where ports are")
    trace.outputs[-1] = (ports[-1], "")
    return arrived(trace.outputs[-1], *ends)


async def _hop(session: Session, atlas: Atlas, question: Question, source: End, address: str) -> Hop:
    if question.mac:
        return Hop(question.mac, question.mac)
    if question.protocol == "arp" and question.operation == "request":
        return Hop(asking_mac(address), "all of the subnet")
    return await first_hop(session, atlas, source, address)


async def _ovn_trace(session: Session, source: End, packet: Packet) -> str:
    database = ",".join(remotes(session.config, SOUTHBOUND))
    line = ["ovn-trace", f"--db={database}", *tls_options(session.config.tls), "--detailed", *_NEW, source.subnet]
    ran = await run_here([*line, packet.microflow(source.port)], timeout=TIMEOUT)
    if ran.code:
        raise CtlError(f"ovn-trace: {ran.words}")
    return ran.out


def disagreement(trace: Logical, verdict: Verdict, legs: Sequence[Leg]) -> str:
    """Where the hosts' flows do something else than OVN's tables: then flows are missing, or stale."""
    if not legs or any(leg.unknown for leg in legs):
        return ""
    out = {port for leg in legs for port in leg.ports}
    expected = {port for port, kind in trace.outputs if not kind}
    if verdict.word == "answered" or (expected <= out and (expected or not out)):
        return ""
    want = ", ".join(sorted(expected)) or "nowhere"
    have = ", ".join(sorted(out)) or "nowhere"
    hosts = ", ".join(dict.fromkeys(leg.host for leg in legs))
    return (
        f"OVN's tables put it out to {want}, the flows of {hosts} to {have}: does ovn-controller run there, "
        f"and has it caught up? weftctl diagnose node {legs[-1].host}"
    )
