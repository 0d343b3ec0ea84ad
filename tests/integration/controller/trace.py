"""What a packet between two ports would do, asked of ovn-trace."""

from __future__ import annotations

from tests.support.fabric import Fabric


async def port(made: Fabric, name: str) -> tuple[str, str, list[str]]:
    """Switch, MAC and addresses of a port."""
    row = next(row for row in await made.rows("Logical_Switch_Port") if row["name"] == name)
    mac, *addresses = row["addresses"][0].split()
    return row["external_ids"]["ls"], mac, addresses


async def sent(made: Fabric, source: str, destination: str, more: str = "", choice: int = 1) -> str:
    """The trace of a packet from a port to an address outside of its subnet, or to the gateway of its own.

    Where next hops share traffic it goes by that of the number `choice`.
    """
    switch, mac, ours = await port(made, source)
    family = 6 if ":" in destination else 4
    address = next(a for a in ours if (":" in a) == (family == 6))
    gateway = next(row for row in await made.rows("Logical_Router_Port") if row["external_ids"].get("subnet") == switch)
    flow = (
        f'inport=="{source}" && eth.src=={mac} && eth.dst=={gateway["mac"]} && '
        f"ip{family}.src=={address} && ip{family}.dst=={destination} && ip.ttl==64"
    )
    return made.ovn.trace(switch, f"{flow} && {more}" if more else flow, "--minimal", f"--select-id={choice}")


async def reaches(made: Fabric, source: str, destination: str, family: int = 4, more: str = "") -> bool:
    """Would a first packet from one port to another's address come out there?"""
    switch, mac, ours = await port(made, source)
    theirs_switch, theirs_mac, theirs = await port(made, destination)
    src, dst = (next(a for a in addresses if (":" in a) == (family == 6)) for addresses in (ours, theirs))
    if switch != theirs_switch:
        trace = await sent(made, source, dst, more)
    else:
        flow = f'inport=="{source}" && eth.src=={mac} && eth.dst=={theirs_mac} && '
        flow += f"ip{family}.src=={src} && ip{family}.dst=={dst} && ip.ttl==64"
        trace = made.ovn.trace(switch, f"{flow} && {more}" if more else flow, "--minimal")
    return f'output("{destination}")' in trace
