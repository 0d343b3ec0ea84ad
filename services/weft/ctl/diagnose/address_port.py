"""`diagnose address-port`: whether addresses and ports answer, from hosts and from workloads of their VPC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from weft.ctl.diagnose.finding import Finding, State, well
from weft.ctl.diagnose.look import look_at_all
from weft.ctl.errors import CtlError, UsageError
from weft.ctl.hosts.run import Hosts
from weft.ctl.session import Session
from weft.ctl.trace.ends import Atlas, End, read_atlas
from weft.ctl.trace.story import Question, tell
from weft.ctl.trace.way import read_interfaces

_FORM = re.compile(r"(tcp|udp)-([0-9A-Fa-f.:]+)-([0-9]{1,5})")
DEFAULT_VPC = "ovn-cluster"
SOURCES = 3
"""Workloads and hosts, of each, that try it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where somebody should answer."""

    protocol: str
    address: str
    port: int

    @property
    def text(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.protocol} {address}:{self.port}"


def parse_targets(text: str) -> list[Target]:
    """Read `tcp-10.16.0.5-53,udp-fd00::5-53`. Raises UsageError."""
    return [_target(part.strip()) for part in text.split(",")]


def _target(text: str) -> Target:
    found = _FORM.fullmatch(text)
    try:
        if found and 0 < int(found[3]) < 65536:
            return Target(found[1], str(ip_address(found[2])), int(found[3]))
    except ValueError:
        pass
    raise UsageError(f"{text}: expected PROTOCOL-ADDRESS-PORT, as tcp-10.16.0.5-53; protocols are tcp and udp")


async def diagnose_targets(session: Session, hosts: Hosts, targets: Sequence[Target]) -> list[Finding]:
    """Each target from several places."""
    atlas = await read_atlas(session)
    return [finding for target in targets for finding in await _diagnose(session, hosts, atlas, target)]


async def _diagnose(session: Session, hosts: Hosts, atlas: Atlas, target: Target) -> list[Finding]:
    holders = [end for end in atlas.ends if target.address in end.addresses]
    vpcs = {atlas.vpc_of(end) for end in holders} or {DEFAULT_VPC}
    found = [well(target.text, "whose", ", ".join(f"{end.ref} in {end.subnet}" for end in holders) or "of no workload")]
    places = list(_places(atlas, vpcs, target, holders))
    if not places:
        reason = "nothing that could try it is in its VPC with an address of its family"
        return [*found, Finding(target.text, "tried", State.unknown, "from nowhere", reason)]
    tries: dict[str, dict[str, Any]] = {}
    for end in places:
        item = {"protocol": target.protocol, "to": target.address, "port": target.port, "from": end.ref}
        if end.ref.startswith("Pod/"):
            item["netns"] = await _netns(hosts, end)
        tries.setdefault(end.host, {"connects": []})["connects"].append(item)
    ends = {end.ref: end for end in places}
    for seen in await look_at_all(hosts, tries, tries):
        if seen.error:
            found.append(Finding(target.text, f"from {seen.host}", State.unknown, "not tried", seen.error))
        items = seen.facts.get("connects", ())
        found += [await _judge(session, target, ends[item["from"]], item, bool(holders)) for item in items]
    return found


def _places(atlas: Atlas, vpcs: set[str], target: Target, holders: Sequence[End]) -> Iterator[End]:
    """Who tries it: hosts where they reach the VPC, and workloads of it, each of another host."""
    family = ip_address(target.address).version
    used: dict[str, set[str]] = {"Host": set(), "Pod": set()}
    for end in atlas.ends:
        kind = end.ref.partition("/")[0]
        fits = atlas.vpc_of(end) in vpcs and (kind == "Pod" or DEFAULT_VPC in vpcs) and end.address(family)
        if fits and end not in holders and end.host and end.host not in used[kind] and len(used[kind]) < SOURCES:
            used[kind].add(end.host)
            yield end


async def _netns(hosts: Hosts, end: End) -> str:
    try:
        return next((item.netns for item in await read_interfaces(hosts, end.host) if item.port == end.port), "")
    except CtlError:
        return ""


async def _judge(session: Session, target: Target, end: End, item: Mapping[str, Any], ours: bool) -> Finding:
    check = f"from {end.ref}"
    if item["answer"] == "open":
        return well(target.text, check, f"answers, {item['ms']:.1f} ms")
    if target.protocol == "udp" and item["answer"] == "silent":
        return well(target.text, check, "nobody refused, nobody answered: of UDP no more can be known")
    if not ours:
        return Finding(
            target.text, check, State.failed, item["answer"], item["error"], "is it up, and does it know the way back?"
        )
    try:
        [story] = await tell(session, Question(end.ref, target.address, target.protocol, target.port))
    except (CtlError, ValueError) as error:
        return Finding(target.text, check, State.failed, item["answer"], str(error))
    advice = f"weftctl trace {end.ref} {target.address} {target.protocol} {target.port}"
    if story.good:
        who = (
            "no program listens there"
            if item["answer"] == "refused"
            else "the workload's own packet filter, or its way back"
        )
        return Finding(target.text, check, State.failed, item["answer"], f"the fabric delivers it: {who}", advice)
    return Finding(target.text, check, State.failed, item["answer"], story.disagreement or story.verdict.text, advice)
