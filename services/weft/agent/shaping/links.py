"""Puts chains of queueing disciplines on links. Blocks; runs on the threads of `Netlink.run`."""

from __future__ import annotations

import errno
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from weft.agent import netns
from weft.agent.rtnl import Rtnl
from weft.agent.shaping import qdisc
from weft.agent.shaping.plan import Chain, Delay, Found, Qdisc, steps


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a pod's veth pair, and what they shall have; with nothing, what we put there goes."""

    port: str
    host: str
    netns: str
    ifname: str
    to_pod: Chain = ()
    from_pod: Chain = ()


def apply(wanted: list[Ends]) -> dict[str, str]:
    """What could not be done, by port."""
    failed: dict[str, list[str]] = {}
    with Rtnl() as channel:
        found = qdisc.read(channel)
        for ends in wanted:
            failed.setdefault(ends.port, []).extend(_end(channel, found, ends.host, ends.to_pod))
    for ends in wanted:
        failed[ends.port] += _inside(ends)
    return {port: "; ".join(texts) for port, texts in failed.items() if texts}


def _inside(ends: Ends) -> list[str]:
    try:
        with netns.entered(ends.netns), Rtnl() as channel:
            return _end(channel, qdisc.read(channel), ends.ifname, ends.from_pod)
    except OSError as error:  # its container is gone, or about to be
        return [f"namespace {ends.netns}: {error.strerror}"] if ends.from_pod else []


def _end(channel: Rtnl, found: Mapping[int, Found], name: str, chain: Chain) -> list[str]:
    """What could not be done. Where the kernel cannot delay, the rate is in effect all the same."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        return [f"{name}: there is no such link"] if chain else []
    for step in steps(chain, found.get(index, Found())):
        try:
            channel.send([qdisc.request(index, step)])
        except OSError as error:
            return [_unable(step.set) if error.errno == errno.ENOENT and step.set else f"{name}: {error.strerror}"]
    return []


def _unable(missing: Qdisc) -> str:
    """Kernels are built without one or the other."""
    what, module = ("latency, jitter, loss, limit", "netem") if isinstance(missing, Delay) else ("rates", "tbf")
    return (
        f"{what}: no effect on this host: its kernel {platform.release()} has no {module} (module sch_{module}); "
        f"load it, or ask for none"
    )
