"""Keeps Open vSwitch's hands off the queueing disciplines of the ports that we shape.

It owns those of all its ports, and removes what it did not put there, but for ports with QoS of type `linux-noop`
(ovs-vswitchd.conf.db(5)). Such a port is also marked in its Interface's external_ids, before its links are touched:
so an agent that was away knows what it has to restore.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from weft.agent.ovs import VENDOR, Interface

MARK: Final = "shaped"
KIND: Final = "linux-noop"


def is_marked(interface: Interface) -> bool:
    """Whether it was shaped, and may still be."""
    return MARK in interface.external_ids


def mark(transaction: Any, idl: Any, shaped: Collection[str], restored: Collection[str]) -> None:
    """Have exactly that of the ports by those names. Runs on the database's thread, where the replica may be read."""
    qos = next((row for row in idl.tables["QoS"].rows.values() if _is_ours(row)), None)
    for port in list(idl.tables["Port"].rows.values()):
        if port.name in shaped and (not port.qos or not _is_ours(port.qos[0])):
            if qos is None:
                qos = transaction.insert(idl.tables["QoS"])
                qos.type, qos.external_ids = KIND, {"vendor": VENDOR}
            port.qos = [qos]
        elif port.name in restored and port.qos and _is_ours(port.qos[0]):
            port.qos = []
        for interface in port.interfaces:
            if port.name in shaped and MARK not in interface.external_ids:
                interface.setkey("external_ids", MARK, "true")
            elif port.name in restored and MARK in interface.external_ids:
                interface.delkey("external_ids", MARK)


def _is_ours(qos: Any) -> bool:
    return bool(qos.type == KIND and qos.external_ids.get("vendor") == VENDOR)
