"""Reads what `node` shows: its agent's word, the Northbound and the Southbound.

A database that does not answer costs what it knows, and is said to be away; the Weft database alone is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from weft.ctl.ask import Row, Select, ask, elements
from weft.ctl.errors import CtlError
from weft.ctl.node import Chassis, Node
from weft.ctl.session import Session

REDIRECT = "chassisredirect"
SHOWN = 10
"""Of how many ports that wait the Southbound is asked, and that are named."""


async def read_nodes(session: Session, now: float) -> list[Node]:
    """All hosts, without what only a single one is asked for."""
    statuses, ports, joins = await ask(
        session, "Weft", Select("Host_Status"), Select("Port", ("name", "host", "device_type")), Select("Host")
    )
    nodes = {row["name"]: _node(row, now) for row in statuses}
    for node in nodes.values():
        node.ports = sum(port["host"] == node.name for port in ports)
    for row in joins:
        if (known := nodes.get(row["name"])) is not None:
            known.join = list(elements(row["addresses"]))
    expected = [(port["name"], port["host"]) for port in ports if port["device_type"] != "none"]
    expected += [(row["port"], row["name"]) for row in joins]
    await _all_northbound(session, nodes, expected)
    await _all_southbound(session, nodes, expected)
    return sorted(nodes.values(), key=lambda node: node.name)


async def _all_northbound(session: Session, nodes: Mapping[str, Node], expected: Iterable[tuple[str, str]]) -> None:
    found, away = await _optional(session, "OVN_Northbound", Select("Logical_Switch_Port", ("name", "up")))
    for node in nodes.values():
        node.away.extend(away)
    unbound = _unbound(found[0] if found else ())
    for port, host in expected:
        if port in unbound and host in nodes:
            nodes[host].waiting[port] = "is not bound"


async def _all_southbound(session: Session, nodes: Mapping[str, Node], expected: Iterable[tuple[str, str]]) -> None:
    found, away = await _optional(
        session, "OVN_Southbound",
        Select("Chassis", ("_uuid", "name")),
        Select("Encap", ("chassis_name", "type", "ip")),
        Select("Port_Binding", ("logical_port", "chassis"), (("type", "==", ""),)),
    )  # fmt: skip
    for node in nodes.values():
        node.away.extend(away)
        node.southbound = found is not None
    if found is None:
        return
    names = {row["_uuid"]: row["name"] for row in found[0]}
    for name in set(names.values()) & nodes.keys():
        nodes[name].chassis = Chassis([f"{row['type']} {row['ip']}" for row in found[1] if row["chassis_name"] == name])
    place = {row["logical_port"]: names[uuid] for row in found[2] for uuid in elements(row["chassis"]) if uuid in names}
    for port, host in expected:
        if host in nodes and place.get(port) != host:
            nodes[host].waiting.setdefault(port, "is not bound here")


async def read_node(session: Session, name: str, now: float) -> Node:
    """One host with all of it. Raises CtlError when no agent of that name has ever reported."""
    statuses, hosts, ports, subnets, pods = await ask(
        session, "Weft",
        Select("Host_Status"),
        Select("Host", (), (("name", "==", name),)),
        Select("Port", (), (("host", "==", name),)),
        Select("Subnet"),
        Select("Object", ("namespace", "name", "spec", "status"), (("kind", "==", "Pod"),)),
    )  # fmt: skip
    row = next((row for row in statuses if row["name"] == name), None)
    if row is None:
        known = ", ".join(sorted(row["name"] for row in statuses)) or "none"
        raise CtlError(f"host {name} has never reported: does weft-agent run there? Known are: {known}")
    node = _node(row, now)
    node.join = [address for host in hosts for address in elements(host["addresses"])]
    node.ports = len(ports)
    node.waiting.update(_unallocated(name, ports, pods))
    await _northbound(session, node, ports, [host["port"] for host in hosts], subnets)
    await _southbound(session, node, ports, [host["port"] for host in hosts])
    return node


def _node(row: Row, now: float) -> Node:
    """From its row, which a database of before has without the newer columns."""
    return Node(
        row["name"], now,
        ready=row["ready"],
        ready_since=row.get("ready_since", 0),
        last_seen=row["last_seen"],
        certificate_expires=row.get("certificate_expires", 0),
        versions={name: version for name, version in sorted(row["versions"].items()) if version},
        addresses=sorted(elements(row["addresses"])),
        encap_type=row["encap_type"],
        encap_ip=row["encap_ip"],
        networks=dict(sorted(row.get("networks", {}).items())),
        mtu=row["mtu"],
        datapath_type=row["datapath_type"],
        problems=dict(sorted(row["problems"].items())),
    )  # fmt: skip


def _subnets(node: Node, subnets: Iterable[Row], policies: Iterable[Row]) -> Iterable[str]:
    """Centralized subnets that leave the fabric by this host, alone or with others, and whether they do so now."""
    own = {address.partition("/")[0] for address in node.join}
    active = {row["external_ids"].get("subnet") for row in policies if own.intersection(elements(row["nexthops"]))}
    for subnet in sorted(subnets, key=lambda subnet: str(subnet["name"])):
        hosts = sorted(elements(subnet.get("gateway_hosts", [])))
        if node.name in hosts:
            others = [host for host in hosts if host != node.name]
            shared = f" with {', '.join(others)}" if others else ""
            yield f"Subnet/{subnet['name']}{shared}, {'active' if subnet['name'] in active else 'standing by'}"


def _unallocated(name: str, ports: Iterable[Row], pods: Iterable[Row]) -> dict[str, str]:
    """Pods of this host that have no port yet, with what the controller says of them."""
    have = {(port["pod_namespace"], port["pod_name"]) for port in ports}
    waiting = {}
    for pod in pods:
        if (pod["namespace"], pod["name"]) in have or json.loads(pod["spec"] or "{}").get("nodeName") != name:
            continue
        conditions = json.loads(pod["status"] or "{}").get("conditions", ())
        bad = [item for item in conditions if item["type"] in ("Allocated", "Ready") and item["status"] != "True"]
        text = ": ".join(filter(None, (bad[0]["reason"], bad[0]["message"]))) if bad else "the controller has not said"
        waiting[f"Pod/{pod['namespace']}/{pod['name']}"] = f"has no port yet: {text}"
    return waiting


async def _optional(session: Session, database: str, *questions: Select) -> tuple[list[list[Row]] | None, list[str]]:
    """The answers, or none and why."""
    try:
        return await ask(session, database, *questions), []
    except CtlError as error:
        return None, ["; ".join(line.strip() for line in error.lines)]


def _unbound(rows: Iterable[Row]) -> set[str]:
    return {row["name"] for row in rows if True not in elements(row["up"])}


async def _northbound(
    session: Session, node: Node, ports: Sequence[Row], own: Sequence[str], subnets: Sequence[Row]
) -> None:
    """Which ports are not up, and of which subnets and router ports it is a gateway."""
    this = (("chassis_name", "==", node.name),)
    found, away = await _optional(
        session, "OVN_Northbound",
        Select("Logical_Switch_Port", ("name", "up")),
        Select("Gateway_Chassis", ("name", "priority"), this),
        Select("HA_Chassis", ("_uuid", "priority"), this),
        Select("HA_Chassis_Group", ("name", "ha_chassis")),
        Select("Logical_Router_Policy", ("nexthops", "external_ids"), (("action", "==", "reroute"),)),
    )  # fmt: skip
    node.away.extend(away)
    if found is None:
        return
    switch_ports, gateways, members, groups, policies = found
    node.gateways.extend(_subnets(node, subnets, policies))
    named = [port["name"] for port in ports if port["device_type"] != "none"]
    unbound = _unbound(switch_ports)
    known = {row["name"] for row in switch_ports}
    for name in (*named, *own):
        if name not in known:
            node.waiting[name] = "is not in the Northbound"
        elif name in unbound:
            node.waiting[name] = "is not bound"
    node.gateways.extend(f"router port {row['name']}, priority {row['priority']}" for row in gateways)
    group = {uuid: row["name"] for row in groups for uuid in elements(row["ha_chassis"])}
    node.gateways.extend(
        f"HA group {group[row['_uuid']]}, priority {row['priority']}" for row in members if row["_uuid"] in group
    )


async def _southbound(session: Session, node: Node, ports: Sequence[Row], own: Sequence[str]) -> None:
    """Is it a chassis, what is bound there, and where are those that are not."""
    found, away = await _optional(
        session, "OVN_Southbound",
        Select("Chassis", ("_uuid", "name")),
        Select("Encap", ("type", "ip"), (("chassis_name", "==", node.name),)),
    )  # fmt: skip
    node.away.extend(away)
    if found is None:
        return
    node.southbound = True
    chassis, encaps = found
    names = {row["_uuid"]: row["name"] for row in chassis}
    uuid = next((uuid for uuid, name in names.items() if name == node.name), None)
    if uuid is not None:
        node.chassis = Chassis(sorted(f"{row['type']} {row['ip']}" for row in encaps))
        where = (("chassis", "==", ["uuid", uuid]),)
        [bound] = await ask(session, "OVN_Southbound", Select("Port_Binding", ("logical_port", "type"), where))
        _note_bound(node, bound, [*(port["name"] for port in ports if port["device_type"] != "none"), *own])
    await _locate(session, node, names)


async def _locate(session: Session, node: Node, names: Mapping[str, str]) -> None:
    """Say of ports that wait where they are; `names` are those of chassis."""
    waiting = [name for name in node.waiting if not name.startswith("Pod/")][:SHOWN]
    if not waiting:
        return
    bindings = await ask(
        session, "OVN_Southbound",
        *(Select("Port_Binding", ("logical_port", "chassis"), (("logical_port", "==", name),)) for name in waiting),
    )  # fmt: skip
    for name, rows in zip(waiting, bindings, strict=True):
        node.waiting[name] += f": {_place(node, names, rows)}"


def _place(node: Node, names: Mapping[str, str], bindings: Sequence[Row]) -> str:
    """Where a port is that is not up on this host."""
    if not bindings:
        return "the Southbound has no such port: does ovn-northd run?"
    where = [names.get(uuid, uuid) for uuid in elements(bindings[0]["chassis"])]
    if not where:
        return "no chassis has claimed it"
    return "claimed here, its flows are not installed yet" if where == [node.name] else f"claimed by {where[0]}"


def _note_bound(node: Node, bound: Iterable[Row], ours: Sequence[str]) -> None:
    """Count workloads, and name those that should be among them; redirect ports are gateways that are active here."""
    assert node.chassis is not None
    here = {row["logical_port"]: row["type"] for row in bound}
    node.gateways.extend(f"active for {name.removeprefix('cr-')}" for name, kind in here.items() if kind == REDIRECT)
    workloads = {name for name, kind in here.items() if not kind}
    node.chassis.bound = len(workloads)
    node.chassis.strangers = sorted(workloads.difference(ours))
    for name in ours:
        if name not in here:
            node.waiting.setdefault(name, "is not bound here")
