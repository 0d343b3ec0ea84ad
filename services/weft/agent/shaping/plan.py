"""Which queueing disciplines a pod's interface has, and what turns those that it has into those. Pure.

A queueing discipline governs what a link sends. What a pod receives is shaped where the host sends it, what a pod sends
where the pod does: so packets wait instead of being dropped, senders notice, and it is the same on either datapath of
Open vSwitch. (The userspace datapath reads packets before the kernel's policing of what arrives would see them.)
Values are the kernel's own, so that what is there can be compared with what shall be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TICK_NS: Final = 64
"""The kernel's unit of time for packet schedulers (include/net/pkt_sched.h, PSCHED_SHIFT)."""
UINT32: Final = 2**32 - 1
BURST: Final = 32 * 1024
"""Bytes that may go at once: a few packets. Larger ones that the kernel has not cut yet are cut by the discipline."""
BURST_SECONDS: Final = 0.01
QUEUE_SECONDS: Final = 0.05
PACKETS: Final = 1000
"""How many packets wait for their delay, unless the pod says: netem's own default."""
DELAYING: Final = ("latency", "jitter", "loss", "limit")


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket (tc-tbf(8)): `rate` in bytes a second, `buffer` in ticks, `limit` of the queue in bytes."""

    rate: int
    buffer: int
    limit: int


@dataclass(frozen=True, slots=True)
class Delay:
    """netem (tc-netem(8)): `latency` and `jitter` in ticks, `loss` in parts of 2^32 - 1, `limit` in packets."""

    latency: int
    jitter: int
    loss: int
    limit: int


Qdisc = Rate | Delay
Chain = tuple[Qdisc, ...]
"""From the link's root inwards."""


def rate(mbits: float) -> Rate:
    """The token bucket for so many Mbit/s."""
    speed = max(1, round(mbits * 125_000))
    burst = max(BURST, round(speed * BURST_SECONDS))
    buffer = burst * 10**9 // speed // TICK_NS
    return Rate(speed, min(buffer, UINT32), min(burst + round(speed * QUEUE_SECONDS), UINT32))


def delay(shaping: Mapping[str, str]) -> Delay:
    """The netem for what the pod asks for; what it does not name is none."""
    return Delay(
        latency=_ticks(shaping.get("latency", "0")),
        jitter=_ticks(shaping.get("jitter", "0")),
        loss=int(float(shaping.get("loss", "0")) / 100 * UINT32),
        limit=int(float(shaping.get("limit", PACKETS))),
    )


def _ticks(milliseconds: str) -> int:
    return int(float(milliseconds) * 10**6) // TICK_NS


def to_pod(shaping: Mapping[str, str]) -> Chain:
    """For the host's end: what the pod receives at this rate, and late."""
    own: Chain = (rate(float(shaping["ingress_rate"])),) if "ingress_rate" in shaping else ()
    return (*own, delay(shaping)) if any(name in shaping for name in DELAYING) else own


def from_pod(shaping: Mapping[str, str]) -> Chain:
    """For the pod's end."""
    return (rate(float(shaping["egress_rate"])),) if "egress_rate" in shaping else ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a link has: `chain` is ours, `foreign` is another discipline that somebody put there."""

    chain: Chain = ()
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """`set` the discipline at that place of the chain, in the place of one of its kind; without one, clear the link."""

    place: int = 0
    set: Qdisc | None = None


def steps(wanted: Chain, found: Found) -> Sequence[Step]:
    """What to do. New values, and a discipline inside another, lose no packet. A link that nobody shapes keeps what
    others have put there.
    """
    if not wanted:
        return [Step()] if found.chain else []
    kept = found.chain
    begins_alike = [type(item) for item in kept] == [type(item) for item in wanted[: len(kept)]]
    clear: list[Step] = []
    if found.foreign or not begins_alike:
        clear, kept = [Step()], ()
    padded = (*kept, *(None for _ in wanted[len(kept) :]))
    pairs = enumerate(zip(wanted, padded, strict=True))
    return [*clear, *(Step(place, item) for place, (item, old) in pairs if item != old)]
