"""What became of the packet, in a word and with the reason: from OVN's trace and what is known of our objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from weft.ctl.trace.ends import Atlas, End
from weft.ctl.trace.hints import Cause, Key
from weft.ctl.trace.logical import Logical, Step


@dataclass(slots=True)
class Verdict:
    """`delivered`, `answered`, `leaves` (the fabric), or how it was lost; with why, and whose doing that is."""

    word: str
    why: str = ""
    owner: str = ""
    port: str = ""

    @property
    def good(self) -> bool:
        return self.word in ("delivered", "answered", "leaves")

    @property
    def text(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


@dataclass(slots=True)
class Place:
    """A datapath that the packet crossed, by our name for it, and what decided there."""

    name: str
    notes: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {"datapath": self.name, "notes": self.notes}


def judge(trace: Logical, atlas: Atlas, source: End, address: str, causes: Mapping[Key, Cause]) -> Verdict:
    """The verdict on a packet to `address`."""
    last = trace.last
    if last is None:
        return Verdict("not known", "ovn-trace printed no step: is the port in the Southbound?")
    if trace.asks:
        return Verdict("no answer", f"{_router(last)} asks who has {address} or its next hop: no workload does")
    if trace.outputs:
        return arrived(trace.outputs[-1], atlas, source, address)
    return _lost(last, trace, atlas, address, causes)


def arrived(output: tuple[str, str], atlas: Atlas, source: End, address: str) -> Verdict:
    """The verdict on a packet that was put out to a port of that name and type."""
    port, kind = output
    end = atlas.port(port)
    if kind == "localnet":
        return Verdict("leaves", f"by {port} to the network of the provider", port=port)
    if end is None:
        return Verdict("delivered", f"to {port}, which is no workload of this fabric", port=port)
    if end.port == source.port and address not in source.addresses:
        return Verdict("answered", f"by OVN itself, which has or stands for {address}", port=port)
    if address not in end.addresses and end.ref.startswith("Host/"):
        return Verdict("leaves", f"at {end.ref}, whose routes and packet filter take it on", end.ref, port)
    where = f", port {port} on host {end.host}"
    return Verdict(
        "delivered", f"to {end.ref} {address if address in end.addresses else ''}".rstrip() + where, end.ref, port
    )


def _lost(last: Step, trace: Logical, atlas: Atlas, address: str, causes: Mapping[Key, Cause]) -> Verdict:
    stage = last.stage
    if "acl" in stage:
        rules = [causes.get((step.datapath, step.uuid)) for step in reversed(trace.steps) if "acl" in step.stage]
        rule = next((cause for cause in rules if cause is not None), None)
        if rule is None:
            return Verdict("dropped", f"by no ACL that allows it on {switch(last.datapath, atlas)}")
        return Verdict("dropped", f"by {rule.text}", rule.owner)
    if "ip_routing" in stage:
        return Verdict("no route", f"{_router(last)} has none to {address}", f"Vpc/{last.datapath}")
    if "policy" in stage:
        cause = causes.get((last.datapath, last.uuid))
        return Verdict(
            "dropped", f"by {cause.text if cause else 'a policy'} of {_router(last)}", cause.owner if cause else ""
        )
    return Verdict("dropped", f"{_STAGES.get(_kind(stage), f'in table {last.table} ({stage})')} of {_any(last, atlas)}")


_STAGES = {
    "port_sec": "by port security: its source MAC or address is not the port's, on the way",
    "l2_lkup": "for want of a port with its destination MAC, in the tables",
    "l2_unknown": "for want of a port with its destination MAC, in the tables",
    "admission": "since its destination MAC is not the router's, at the door",
    "arp_resolve": "for want of the next hop's MAC, in the tables",
    "ip_input": "by what a router never forwards, in the tables",
}


def _kind(stage: str) -> str:
    return next((key for key in _STAGES if key in stage), "")


def _router(step: Step) -> str:
    return f"Vpc/{step.datapath}"


def switch(name: str, atlas: Atlas) -> str:
    """A logical switch by our name for it."""
    return f"Subnet/{name}" if name in atlas.nets else name


def _any(step: Step, atlas: Atlas) -> str:
    return _router(step) if step.stage.startswith("lr_") else switch(step.datapath, atlas)


def places(trace: Logical, atlas: Atlas, causes: Mapping[Key, Cause]) -> list[Place]:
    """The datapaths in their order, each once for a pass, with the rules, routes and policies that were met there."""
    crossed: list[Place] = []
    vpcs = {net.vpc for net in atlas.nets.values()}
    for step in trace.steps:
        name = f"Vpc/{step.datapath}" if step.datapath in vpcs else switch(step.datapath, atlas)
        if not crossed or crossed[-1].name != name:
            crossed.append(Place(name))
        cause = causes.get((step.datapath, step.uuid))
        if cause is not None and cause.text not in crossed[-1].notes:
            crossed[-1].notes.append(cause.text)
        elif "ip_routing" in step.stage and "outport" in "".join(step.actions) and cause is None:
            crossed[-1].notes.append(f"connected: {step.match}")
    return crossed
