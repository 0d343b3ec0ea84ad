"""A plan in words."""

from __future__ import annotations

from uuid import UUID

from weft.api.base import Metadata
from weft.api.ip import IP, IPSpec
from weft.ctl.plan import Preview, as_document, as_text
from weft.ovsdb.plan import Change

UID = UUID(int=7)


def preview() -> Preview:
    ip = IP(
        metadata=Metadata(name="web.ns1"),
        spec=IPSpec(
            pod_name="web", namespace="ns1", subnet="blue", ip_address="10.0.0.2", mac_address="0a:58:0a:00:00:02"
        ),
    )
    return Preview(
        objects=[("Subnet/blue", "configured")],
        reservations=[ip],
        changes=[
            (
                "OVN_Northbound",
                Change("insert", "Logical_Switch", UID, "Subnet/blue", "blue", {"name": (None, "blue")}),
            ),
            ("Weft", Change("update", "Subnet", UID, "Subnet/blue", "blue", {"cidrs": ([], ("10.0.0.0/24",))})),
            ("Weft", Change("delete", "Port", UID, "Pod/ns1/old", "old.ns1")),
        ],
        waiting={"Pod/ns1/late": "Subnet/red does not exist"},
    )


def test_text_is_grouped_by_owner_with_before_and_after() -> None:
    assert as_text(preview()) == [
        "object Subnet/blue would be configured",
        "address 10.0.0.2 of subnet blue would be reserved for Pod/ns1/web",
        "",
        "Subnet/blue",
        "  + OVN_Northbound.Logical_Switch blue",
        "      name: blue",
        "  ~ Weft.Subnet blue",
        "      cidrs: [] -> [10.0.0.0/24]",
        "",
        "Pod/ns1/old",
        "  - Weft.Port old.ns1",
        "",
        "waits: Pod/ns1/late: Subnet/red does not exist",
        "",
        (
            "1 rows to insert, 1 to update, 1 to delete; 1 addresses to reserve (these, unless others come first), "
            "0 to release; nothing was written"
        ),
    ]


def test_an_empty_plan_says_so() -> None:
    assert as_text(Preview()) == ["no changes: the databases have what the objects ask for"]


def test_for_programs() -> None:
    document = as_document(preview())
    assert document["count"] == {"insert": 1, "update": 1, "delete": 1}
    assert document["changes"][1]["columns"] == {"cidrs": {"before": [], "after": ["10.0.0.0/24"]}}
    assert document["reservations"][0]["for"] == "Pod/ns1/web"
