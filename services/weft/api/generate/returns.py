"""What modules of kinds return, in words: the same for all of them."""

from __future__ import annotations

from typing import Any


def _returned(description: str, returned: str, sample: Any = None) -> dict[str, Any]:
    value = {"description": description, "type": "list", "elements": "dict", "returned": returned}
    return value if sample is None else {**value, "sample": sample}


PLANNED: dict[str, Any] = {
    "description": [
        (
            "What the controller would write into the databases for all changes of the task together, as "
            "C(weftctl plan --output json) says it: RV(planned.changes) are rows of the Northbound and Weft databases, "
            "each with its database, table, op (V(insert), V(update) or V(delete)), owner, name, uuid, and columns "
            "before and after; "
            "RV(planned.count) is how many of each op."
        ),
        (
            "RV(planned.reservations) and RV(planned.releases) are addresses, RV(planned.waiting) says whose rows wait "
            "and for what, RV(planned.problems) what the fabric's rules forbid."
        ),
    ],
    "type": "dict",
    "returned": "when O(planned=true) and O(state) is not V(gathered) or V(rendered)",
    "sample": {
        "changes": [
            {
                "database": "OVN_Northbound",
                "table": "Logical_Switch",
                "op": "insert",
                "owner": "Subnet/blue",
                "name": "blue",
                "columns": {"name": {"before": None, "after": "blue"}},
            }
        ],
        "count": {"insert": 1, "update": 0, "delete": 0},
    },
}
REFUSED: dict[str, Any] = {
    "description": "The objects that were refused, by name or C(namespace/name), and why.",
    "type": "dict",
    "returned": "when some were",
    "sample": {"blue": "spec.cidrBlock: 10.1.0.0/24 overlaps 10.1.0.0/16 of Subnet/red in Vpc/ovn-cluster"},
}


RETURN: dict[str, Any] = {
    "before": _returned("The listed objects as they were, with O(state=overridden) all of the kind, as O(config).",
                        "when O(state) is not V(gathered) or V(rendered)"),
    "after": _returned("The same objects as they are now; in check mode, as they would be.",
                       "when O(state) is not V(gathered) or V(rendered)"),
    "changes": _returned("The objects that were changed, and how.", "when O(state) is not V(gathered) or V(rendered)",
                         [{"name": "blue", "action": "created"}]),
    "planned": PLANNED,
    "refused": REFUSED,
    "gathered": _returned("All objects of the kind, as O(config); without secrets.", "when O(state=gathered)"),
    "rendered": _returned("The documents that O(config) stands for.", "when O(state=rendered)"),
}  # fmt: skip
