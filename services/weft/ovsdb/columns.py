"""Which columns of which tables are ours, and how.

- `OWN`: the whole column is ours: assigned, and compared as a whole.
- `KEYS`: a map that others write too: the keys in `OUR_KEYS` are ours, set, compared and removed one by one.
- `ELEMENTS`: a set that holds the rows of several owners: rows join and leave by mutation, never by assignment.
- `IGNORE`: somebody else's: northd's, ovn-controller's, an operator's.

Every column of every supported OVN is named here for the tables that we write; a test holds this against the schemas.
A table or column that a server does not have is left out of what is sent to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from weft.ovsdb.identity import OWNER


class Ownership(Enum):
    """How a column is ours: see the module's text."""

    OWN = "own"
    KEYS = "keys"
    ELEMENTS = "elements"
    IGNORE = "ignore"


OWN, KEYS, ELEMENTS, IGNORE = Ownership


def _columns(own: str = "", keys: str = "", elements: str = "", ignore: str = "") -> dict[str, Ownership]:
    groups = ((own, OWN), (keys, KEYS), (elements, ELEMENTS), (ignore, IGNORE))
    return {name: how for names, how in groups for name in names.split()}


NORTHBOUND: Mapping[str, Mapping[str, Ownership]] = {
    "Logical_Switch": _columns(
        own="name",
        keys="external_ids other_config",
        elements="ports acls qos_rules load_balancer load_balancer_group dns_records forwarding_groups",
        ignore="copp",
    ),
    "Logical_Switch_Port": _columns(
        own="name type addresses port_security enabled parent_name tag_request dhcpv4_options dhcpv6_options "
        "ha_chassis_group mirror_rules",
        keys="options external_ids",
        ignore="up tag dynamic_addresses peer health_checks",
    ),
    "Logical_Router": _columns(
        own="name enabled",
        keys="options external_ids",
        elements="ports static_routes policies nat load_balancer load_balancer_group",
        ignore="copp",
    ),
    "Logical_Router_Port": _columns(
        own="name mac networks enabled peer ha_chassis_group ipv6_ra_configs",
        keys="options external_ids",
        elements="gateway_chassis",
        ignore="status ipv6_prefix dhcp_relay",
    ),
    "Logical_Router_Static_Route": _columns(
        own="ip_prefix policy nexthop output_port bfd route_table",
        keys="options external_ids",
        ignore="selection_fields",
    ),
    "Logical_Router_Policy": _columns(
        own="priority match action nexthop nexthops bfd_sessions chain jump_chain",
        keys="options external_ids",
    ),
    "ACL": _columns(
        own="name priority direction match action log severity meter label tier",
        keys="options external_ids",
        ignore="sample_new sample_est",
    ),
    "QoS": _columns(own="priority direction match action bandwidth", keys="external_ids"),
    "DHCP_Options": _columns(own="cidr options", keys="external_ids"),
    "Address_Set": _columns(own="name addresses", keys="external_ids"),
}

WEFT: Mapping[str, Mapping[str, Ownership]] = {
    "Host": _columns(
        own="name port mac addresses gateways mtu tunnel_interface networks own_addresses", keys="external_ids"
    ),
    "Subnet": _columns(
        own="name vpc cidrs gateways mtu host_routed nat_outgoing egress_gateways policy_table policy_priority "
        "gateway_hosts gateway_addresses gateway_check node_network",
        keys="external_ids",
    ),
    "Nat_Rule": _columns(own="subnet position action sources destinations", keys="external_ids"),
    "Port": _columns(
        own="name host pod_namespace pod_name pod_uid interface subnet mac addresses device_type provider routes "
        "default_route netns shaping mirrors arriving node_network",
        keys="external_ids",
    ),
}

OUR_KEYS: Mapping[str, frozenset[str]] = {
    "external_ids": frozenset({OWNER, "vendor", "vpc", "subnet", "ls", "pod", "node", "ippool"}),
    "options": frozenset(
        {
            "activation-strategy",
            "ecmp_symmetric_reply",
            "requested-chassis",
            "route_table",
            "router-port",
            "virtual-ip",
            "virtual-parents",
        }
    ),
    "other_config": frozenset({"mcast_snoop", "mcast_querier", "mcast_eth_src", "mcast_ip4_src", "mcast_ip6_src"}),
}
"""Keys that are ours in columns of kind `KEYS`, in rows that are ours."""

PARENTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Logical_Switch_Port": (("Logical_Switch", "ports"),),
    "Logical_Router_Port": (("Logical_Router", "ports"),),
    "ACL": (("Logical_Switch", "acls"),),
    "QoS": (("Logical_Switch", "qos_rules"),),
    "Logical_Router_Static_Route": (("Logical_Router", "static_routes"),),
    "Logical_Router_Policy": (("Logical_Router", "policies"),),
}
"""Tables whose rows live only as long as a row of another table holds them, and the columns that may hold them."""


def replicated(tables: Mapping[str, Mapping[str, Ownership]]) -> dict[str, tuple[str, ...]]:
    """The columns that a controller must see: what it compares, and whether ports are up.

    Sets of rows are left out: each new port would cost a pass over all the others of its switch.
    """
    compared = (Ownership.OWN, Ownership.KEYS)
    return {
        table: tuple(name for name, how in columns.items() if how in compared or name == "up")
        for table, columns in tables.items()
    }
