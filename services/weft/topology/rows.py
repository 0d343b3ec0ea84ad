"""Rows as values: what an owner wants to be in a database.

A row is named by its owner (the object that wants it, like `Pod/ns1/web`) and a key of the owner's choice; its UUID
follows from these (`weft.ovsdb.identity`), so rows can refer to each other before they exist. Column values are str,
int, float, bool, `Ref`, tuples (OVSDB sets) and dicts (OVSDB maps).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LOGICAL_SWITCH = "Logical_Switch"
LOGICAL_SWITCH_PORT = "Logical_Switch_Port"
LOGICAL_ROUTER = "Logical_Router"
LOGICAL_ROUTER_PORT = "Logical_Router_Port"
LOGICAL_ROUTER_STATIC_ROUTE = "Logical_Router_Static_Route"
LOGICAL_ROUTER_POLICY = "Logical_Router_Policy"
ACL = "ACL"
QOS = "QoS"
DHCP_OPTIONS = "DHCP_Options"
ADDRESS_SET = "Address_Set"
HOST = "Host"
SUBNET = "Subnet"
NAT_RULE = "Nat_Rule"
PORT = "Port"

VENDOR = "kube-ovn"
"""Kube-OVN's mark in external_ids, which its tools and runbooks look for."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A row of ours, by name."""

    table: str
    owner: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row that `owner` wants. `parent` is the row that holds it, in `ports` or wherever its table's rows live."""

    table: str
    owner: str
    columns: Mapping[str, Any]
    key: str = ""
    parent: Ref | None = None

    @property
    def ref(self) -> Ref:
        return Ref(self.table, self.owner, self.key)


@dataclass(frozen=True, slots=True)
class Rows:
    """All that one owner wants, by database."""

    northbound: tuple[Row, ...] = ()
    weft: tuple[Row, ...] = ()


NOTHING = Rows()
