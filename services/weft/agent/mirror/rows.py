"""Mirrors in the host's Open vSwitch database. Runs on the database's thread, where the replica may be read.

What is ours has `vendor=weft` in its external_ids; others' mirrors, and a port of the mirror's name that somebody else
made, are left as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weft.agent.mirror.plan import Mirror
from weft.agent.ovs import VENDOR

_OURS = {"vendor": VENDOR}


def apply(transaction: Any, idl: Any, bridge_name: str, mirrors: Sequence[Mirror], mtu: int) -> None:
    """Have exactly these mirrors; `mtu` is for the host's own device."""
    bridge = next((row for row in idl.tables["Bridge"].rows.values() if row.name == bridge_name), None)
    if bridge is None:
        raise LookupError(f"bridge {bridge_name}: not in the database of Open vSwitch")
    ports = {row.name: row for row in bridge.ports}
    rows = {row.name: row for row in bridge.mirrors if _is_ours(row)}
    for mirror in mirrors:
        output = ports.get(mirror.output) or _add_output(transaction, idl, bridge, mirror)
        if _is_ours(output):
            _set_interface(output.interfaces[0], mirror, mtu)
        row = rows.pop(_name(mirror), None) or _add_mirror(transaction, idl, bridge, mirror)
        chosen = [ports[name] for name in sorted(mirror.ports) if name in ports]
        _set(row, select_all=mirror.everything, output_port=[output], select_src_port=chosen, select_dst_port=chosen)
    for row in rows.values():
        bridge.delvalue("mirrors", row)
    outputs = {mirror.output for mirror in mirrors}
    for port in ports.values():
        if _is_ours(port) and port.name not in outputs:
            bridge.delvalue("ports", port)


def _is_ours(row: Any) -> bool:
    return bool(_OURS.items() <= row.external_ids.items())


def _name(mirror: Mirror) -> str:
    return f"weft-{mirror.output}"


def _add_output(transaction: Any, idl: Any, bridge: Any, mirror: Mirror) -> Any:
    interface = transaction.insert(idl.tables["Interface"])
    interface.name, interface.type = mirror.output, mirror.kind
    port = transaction.insert(idl.tables["Port"])
    port.name, port.interfaces, port.external_ids = mirror.output, [interface], _OURS
    bridge.addvalue("ports", port)
    return port


def _add_mirror(transaction: Any, idl: Any, bridge: Any, mirror: Mirror) -> Any:
    row = transaction.insert(idl.tables["Mirror"])
    row.name, row.external_ids = _name(mirror), _OURS
    bridge.addvalue("mirrors", row)
    return row


def _set_interface(interface: Any, mirror: Mirror, mtu: int) -> None:
    if mirror.kind == "internal":
        _set(interface, mtu_request=[mtu])
    else:
        _set(interface, type=mirror.kind, options=dict(mirror.options))


def _set(row: Any, **columns: Any) -> None:
    """Write what differs. Sets of rows have no order."""
    for name, value in columns.items():
        if _comparable(getattr(row, name, None)) != _comparable(value):
            setattr(row, name, value)


def _comparable(value: Any) -> Any:
    return {getattr(item, "uuid", item) for item in value} if isinstance(value, list) else value
