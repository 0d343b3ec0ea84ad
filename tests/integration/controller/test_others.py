"""Neutron and OVN-IC in the same databases: none of their rows is ever touched, whatever ours do."""

from __future__ import annotations

import asyncio
import json

from tests.integration.controller.documents import NAMESPACES, SUBNET, VPCS, join, pod
from tests.support.fabric import Fabric

TABLES = [
    "Logical_Switch",
    "Logical_Switch_Port",
    "Logical_Router",
    "Logical_Router_Port",
    "Logical_Router_Static_Route",
    "Logical_Router_Policy",
    "NAT",
    "ACL",
    "Port_Group",
    "Address_Set",
    "DHCP_Options",
    "QoS",
    "Load_Balancer",
    "DNS",
    "HA_Chassis_Group",
]
NET, PORT, GROUP = "6a3f0f2c-8a5e-4f0b-9d0c-3f7f3a1f5a01", "0d0a5ff1-52f7-4c0f-8b19-2a63b5a76a02", "pg_3f1d0b44"


def _neutron(made: Fabric) -> None:
    """As ML2/OVN writes a network, a port, a router with SNAT, and a security group."""
    switch, router, port = f"neutron-{NET}", "neutron-5b0f1ad6", "192.0.2.11"
    ids = ("external_ids:neutron\\:network_name=private", "external_ids:neutron\\:revision_number=2")
    made.ovn.nbctl(
        *("ls-add", switch, "--", "set", "Logical_Switch", switch, *ids, "other_config:mcast_snoop=false"),
        *("--", "lsp-add", switch, PORT, "--", "lsp-set-addresses", PORT, f"fa:16:3e:00:00:0b {port}"),
        *("--", "set", "Logical_Switch_Port", PORT, "options:requested-chassis=compute1"),
        *("external_ids:neutron\\:device_owner=compute:nova", "external_ids:neutron\\:security_group_ids=3f1d"),
        *("--", "lr-add", router, "--", "set", "Logical_Router", router, "external_ids:neutron\\:router_name=r1"),
        *("--", "lr-nat-add", router, "snat", "198.51.100.7", "192.0.2.0/24"),
        *(
            "--",
            "pg-add",
            GROUP,
            PORT,
            "--",
            "set",
            "Port_Group",
            GROUP,
            "external_ids:neutron\\:security_group_id=3f1d",
        ),
        *(
            "--",
            "--type=port-group",
            "acl-add",
            GROUP,
            "from-lport",
            "1002",
            f"inport == @{GROUP} && ip4",
            "allow-related",
        ),
        *("--", "create", "Address_Set", "name=as_ip4_3f1d", f'addresses="{port}"'),
        *("--", "create", "DHCP_Options", "cidr=192.0.2.0/24", f"external_ids:subnet_id={NET}"),
    )


def _interconnection(made: Fabric) -> None:
    """As ovn-ic writes a transit switch, and the routes that it has learned, on our own router."""
    made.ovn.nbctl(
        *("ls-add", "ts1", "--", "set", "Logical_Switch", "ts1", "other_config:interconn-ts=ts1"),
        *("other_config:requested-tnl-key=16711683", "--", "lsp-add", "ts1", "ts1-az2", "--"),
        *("lsp-set-type", "ts1-az2", "remote", "--", "set", "Logical_Switch_Port", "ts1-az2"),
        *("options:requested-chassis=gw2", "external_ids:ic-role=remote"),
        *("--", "lrp-add", "ovn-cluster", "ovn-cluster-ts1", "0a:58:a9:fe:64:01", "169.254.100.1/24"),
        *("--", "lsp-add", "ts1", "ts1-ovn-cluster", "--", "lsp-set-type", "ts1-ovn-cluster", "router"),
        *("--", "lsp-set-options", "ts1-ovn-cluster", "router-port=ovn-cluster-ts1"),
        *("--", "set", "Logical_Router", "ovn-cluster", "options:ic-route-learn=true"),
        *("--", "--id=@r", "create", "Logical_Router_Static_Route", 'ip_prefix="10.77.0.0/16"'),
        *('nexthop="169.254.100.2"', "external_ids:ic-learned-route=11111111-2222-3333-4444-555555555555"),
        *("--", "add", "Logical_Router", "ovn-cluster", "static_routes", "@r"),
    )


def _rows(made: Fabric) -> dict[str, list[str]]:
    """All rows that do not carry our mark, whole; and of our router what others hold in it."""
    strangers: dict[str, list[str]] = {}
    for table in TABLES:
        answer = json.loads(made.ovn.nbctl("--format=json", "list", table))
        rows = [dict(zip(answer["headings"], row, strict=True)) for row in answer["data"]]
        theirs = [row for row in rows if "weft-owner" not in json.dumps(row.get("external_ids", ""))]
        strangers[table] = sorted(json.dumps(row, sort_keys=True) for row in theirs)
    for column in ("static_routes", "options"):
        strangers[column] = [made.ovn.nbctl("get", "Logical_Router", "ovn-cluster", column)]
    return strangers


async def test_rows_of_neutron_and_of_ovn_ic_are_never_touched(translated: Fabric) -> None:
    made = translated
    _neutron(made)
    async with made.controller() as controller:
        _interconnection(made)
        made.ovn.nbctl("--wait=sb", "sync")
        await made.settled(controller)
        before = _rows(made)
        assert len(before["Logical_Router_Static_Route"]) == 1
        assert all(before[table] for table in ("ACL", "Port_Group", "NAT", "DHCP_Options", "Address_Set"))
        assert "ovn-cluster-ts1" in "".join(before["Logical_Router_Port"])

        await made.apply(join(NAMESPACES, SUBNET, VPCS, *(pod(f"w{n}") for n in range(50))))
        await made.settled(controller)
        made.ovn.nbctl("lsp-del", "w1.ns1", "--", "lsp-set-addresses", "w0.ns1", "0a:00:00:00:00:01 10.66.9.9")
        await asyncio.sleep(0.5)
        await made.settled(controller)
        await made.delete(*(f"Pod/ns1/w{n}" for n in range(50)))
        await made.settled(controller)
        made.ovn.nbctl("--wait=sb", "sync")
        assert _rows(made) == before
    async with made.controller("c2") as controller:
        await made.settled(controller)
        assert _rows(made) == before, "another leader compares everything and finds nothing of its own in them"
