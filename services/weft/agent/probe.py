"""A new interface is not handed over before its gateway has answered through it.

ovn-controller says when its flows are in place, and still a first packet may be lost, or a subnet's router may not have
come to this host yet. So the pod's own interface asks for the gateway, by ARP or neighbour discovery, at once and then
with growing pauses, until there is an answer. Before, it asks whether somebody else has its address: not waited for,
but who answers until the gateway does is a conflict. At the end its neighbours are told where its addresses are.
CHECK asks the same, and tells nobody.

The sockets are opened in the pod's namespace by a worker thread and stay in it; waiting is the event loop's.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Final

from weft.agent import frames, metrics, netlink
from weft.agent.cni_types import TRY_AGAIN, CniError
from weft.agent.frames import Address, Claim
from weft.agent.netlink import Netlink

FIRST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.5
_FRAME: Final = 2048


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose interface asks: its place, its MAC and its bare addresses."""

    netns: str
    ifname: str
    mac: str
    addresses: tuple[Address, ...]


@dataclass(slots=True)
class _Family:
    """One family's socket, what is ours in it, and the gateway that is asked for, None for none."""

    channel: socket.socket
    own: tuple[Address, ...]
    gateway: Address | None


async def settle(links: Netlink, asker: Asker, gateways: Iterable[str], deadline: float) -> None:
    """Return when every gateway has answered and neighbours know the interface. `deadline` is in monotonic seconds.

    Raises CniError as `reach` does.
    """
    started = time.perf_counter()
    await reach(links, asker, gateways, deadline, tell=True)
    metrics.add_phase_seconds.labels("gateway").observe(time.perf_counter() - started)


async def reach(links: Netlink, asker: Asker, gateways: Iterable[str], deadline: float, tell: bool = False) -> None:
    """Return when every gateway has answered, and with `tell` neighbours know the interface.

    Raises CniError (try again) when a gateway does not answer, or when somebody else has one of the addresses.
    """
    wanted: dict[int, Address] = {address.version: address for address in map(ip_address, gateways)}
    try:
        families = await links.run(netlink.in_namespace, asker.netns, partial(_open, asker, wanted))
    except OSError as error:
        raise CniError(
            TRY_AGAIN, f"interface {asker.ifname} in {asker.netns}: cannot be asked from: {error.strerror}"
        ) from error
    try:
        await _all(asker, families, deadline)
        for family in families if tell else ():
            for address in family.own:
                _send(family.channel, frames.statement(asker.mac, address))
    finally:
        asyncio.get_running_loop().run_in_executor(None, _close, families)


def _open(asker: Asker, gateways: dict[int, Address]) -> list[_Family]:
    """A raw socket on the interface per family. Runs in the pod's namespace."""
    families: list[_Family] = []
    for version in sorted({address.version for address in asker.addresses}):
        own = tuple(address for address in asker.addresses if address.version == version)
        channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC)
        families.append(_Family(channel, own, gateways.get(version)))
        try:
            channel.bind((asker.ifname, frames.ethertype(version)))
        except OSError:
            _close(families)
            raise
        channel.setblocking(False)
    return families


def _close(families: list[_Family]) -> None:
    """The kernel takes some 10 ms for each packet socket, until no processor looks at it any more."""
    for family in families:
        family.channel.close()


async def _all(asker: Asker, families: list[_Family], deadline: float) -> None:
    """The first failure of a family is the answer."""
    asked = [(family, family.gateway) for family in families if family.gateway is not None]
    tasks = [asyncio.ensure_future(_reach(asker, *who, deadline)) for who in asked]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _reach(asker: Asker, family: _Family, gateway: Address, deadline: float) -> None:
    questions = [frames.doubt(asker.mac, address) for address in family.own]
    questions.append(frames.question(asker.mac, family.own[0], gateway))
    sent, pause = 0, FIRST_PAUSE
    while True:
        for frame in questions:
            _send(family.channel, frame)
        sent += 1
        try:
            async with asyncio.timeout_at(min(time.monotonic() + pause, deadline)):
                await _answer(asker, family, gateway)
        except TimeoutError:
            if time.monotonic() >= deadline:
                raise _silent(asker, family, gateway, sent) from None
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            return


async def _answer(asker: Asker, family: _Family, gateway: Address) -> None:
    """Return when the gateway has said where it is."""
    while True:
        frame = await asyncio.get_running_loop().sock_recv(family.channel, _FRAME)
        told = frames.claim(frame)
        if told is None or told.mac == asker.mac:
            continue
        if told.address in family.own:
            raise _conflict(asker, told)
        if told.address == gateway:
            return


def _send(channel: socket.socket, frame: bytes) -> None:
    """What cannot be sent now is asked again: a full queue, an interface that is not up yet."""
    with contextlib.suppress(OSError):
        channel.send(frame)


def _silent(asker: Asker, family: _Family, gateway: Address, sent: int) -> CniError:
    what = "ARP requests" if gateway.version == 4 else "neighbour solicitations"
    return CniError(
        TRY_AGAIN,
        f"gateway {gateway} does not answer on {asker.ifname}: {sent} {what} sent from {family.own[0]} ({asker.mac})",
        "is there a router or a gateway of the subnet with that address? see `weftctl get subnet`, and the subnet's "
        "`disableGatewayCheck` for one that has none",
        reason="gateway",
    )


def _conflict(asker: Asker, told: Claim) -> CniError:
    return CniError(
        TRY_AGAIN,
        f"address {told.address} of {asker.ifname} ({asker.mac}) is in use by {told.mac}",
        "something that the fabric did not give the address has it; find that MAC address, or exclude the address "
        "by the subnet's `excludeIps`",
        reason="address-in-use",
    )
