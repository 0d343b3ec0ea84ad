"""What modules of kinds return, in words: the same for all of them."""

from __future__ import annotations

from typing import Any


def _returned(description: str, returned: str, sample: Any = None) -> dict[str, Any]:
    value = {"description": description, "type": "list", "elements": "dict", "returned": returned}
    return value if sample is None else {**value, "sample": sample}


PLANNED: dict[str, Any] = {
    "description": "What the controller would write for all changes of the task together, as C(weftctl plan --output "
    "json) says it.",
    "type": "dict",
    "returned": "when O(planned=true) and O(state) is not V(gathered) or V(rendered)",
    "contains": {
        "changes": {
            "description": "Rows of the Northbound and Weft databases. C(op) is V(insert), V(update) or V(delete); "
            "each column has its value before and after.",
            "type": "list",
            "elements": "dict",
            "returned": "always",
            "sample": [
                {
                    "database": "OVN_Northbound",
                    "table": "Logical_Switch",
                    "op": "insert",
                    "owner": "Subnet/blue",
                    "name": "blue",
                    "uuid": "b70058d8-3d04-5d69-9cf6-180c67c6d75f",
                    "columns": {"name": {"before": None, "after": "blue"}},
                }
            ],
        },
        "count": {
            "description": "How many rows of each C(op).",
            "type": "dict",
            "returned": "always",
            "sample": {"insert": 1, "update": 0, "delete": 0},
        },
        "objects": _returned("The objects, and what would become of them.", "always"),
        "reservations": _returned("Addresses that would be reserved, unless others come first.", "always"),
        "releases": _returned("Addresses that would be released.", "always"),
        "waiting": {"description": "Whose rows would wait, and for what.", "type": "dict", "returned": "always"},
        "problems": {
            "description": "What the fabric's rules forbid.",
            "type": "list",
            "elements": "str",
            "returned": "always",
        },
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
