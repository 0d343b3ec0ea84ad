"""From the kinds to Ansible modules, one a kind: their documentation, and the table that they work by.

An option of a module is a field of the kind by the name that it has in Python, `cidr_block` for `cidrBlock`; what holds
it together is a table of kinds and fields (`plugins/module_utils/resources/kinds.py`). The work is one runner's.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from weft.api.base import EVERYTHING, Resource
from weft.api.core import Node
from weft.api.generate.returns import RETURN
from weft.api.generate.schema import STORED, Schema, structural
from weft.api.generate.text import to_yaml
from weft.api.kinds import KINDS

MODULES: Mapping[str, str] = {
    "Subnet": "subnets",
    "Vpc": "vpcs",
    "IPPool": "ip_pools",
    "Vip": "vips",
    "IP": "ip_reservations",
    "Vlan": "vlans",
    "ProviderNetwork": "provider_networks",
    "SecurityGroup": "security_groups",
    "SwitchLBRule": "switch_lb_rules",
    "RouterLBRule": "router_lb_rules",
    "QoSPolicy": "qos_policies",
    "OvnEip": "ovn_eips",
    "OvnFip": "ovn_floating_ips",
    "OvnSnatRule": "ovn_snat_rules",
    "OvnDnatRule": "ovn_dnat_rules",
    "IptablesEIP": "gateway_eips",
    "IptablesFIPRule": "gateway_floating_ips",
    "IptablesSnatRule": "gateway_snat_rules",
    "IptablesDnatRule": "gateway_dnat_rules",
    "VpcNatGateway": "nat_gateways",
    "VpcEgressGateway": "egress_gateways",
    "VpcDns": "vpc_dns",
    "BgpConf": "bgp_configs",
    "EvpnConf": "evpn_configs",
}
"""The module of each kind. What the controller alone makes (DNSNameResolver) has none."""

SYSTEM: Mapping[str, tuple[str, ...]] = {"Subnet": ("join", "ovn-default"), "Vpc": ("ovn-cluster",)}
"""What a fabric is born with: never deleted because a list lacks it."""

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_META: Mapping[str, Schema] = {
    "name": {"type": "str", "required": True, "description": "Name of the object."},
    "namespace": {"type": "str", "default": "default", "description": "Namespace of the object."},
    "labels": {"type": "dict", "description": "Labels. What others set stays."},
    "annotations": {"type": "dict", "description": "Annotations. What others set stays."},
}
"""What of an object is not its `spec`."""

_HEAD = """\
#!/usr/bin/python
# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# {note}

from __future__ import annotations
"""
_TAIL = """
from ansible_collections.weft.ovn.plugins.module_utils.resources.runner import run


def main():
    run("{name}")


if __name__ == "__main__":
    main()
"""


def table(note: str) -> str:
    """The text of the table of kinds."""
    models: dict[str, Any] = {}
    kinds = {MODULES[kind]: _kind(cls, models) for kind, cls in KINDS.items() if kind in MODULES}
    constants = "".join(f"{name} = {_literal(value)}\n" for name, value in {**models, "KINDS": kinds}.items())
    everything: tuple[type[Resource], ...] = (*KINDS.values(), Node)
    world = "".join(f"    {_literal(_where(cls), '    ')},\n" for cls in everything)
    return (
        "# Copyright: (c) the Weft authors\n"
        "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
        f"# SPDX-License-Identifier: GPL-3.0-or-later\n# {note}\n# fmt: off\n\n"
        '"""The kinds, each after those that it may name, and their fields: option, name in documents, type."""\n\n'
        "from __future__ import annotations\n\n" + re.sub(r'"@(\w+)"', r"\1", constants) + f"\nWORLD = (\n{world})\n"
        '"""All kinds that a fabric knows, also those that it only reads."""\n'
    )


def _literal(value: Any, indent: str = "") -> str:
    """A value in Python, on one line where it fits."""
    flat = json.dumps(value).replace("true", "True").replace("false", "False")
    if not isinstance(value, dict) or len(indent) + len(flat) < 100:
        return flat
    inner = f"{indent}    "
    lines = "".join(f'{inner}"{key}": {_literal(item, inner)},\n' for key, item in value.items())
    return f"{{\n{lines}{indent}}}"


def module(kind: str, example: str, note: str) -> str:
    """The text of the module of a kind; `example` is a document of it."""
    cls, name = KINDS[kind], MODULES[kind]
    parts = {"DOCUMENTATION": _documentation(cls, name), "EXAMPLES": _examples(cls, name, example), "RETURN": RETURN}
    blocks = "".join(f'\n{title} = r"""\n{to_yaml(content, width=110)}"""\n' for title, content in parts.items())
    return _HEAD.format(note=note) + blocks + _TAIL.format(name=name)


def fields(cls: type[Resource]) -> dict[str, Any]:
    """The fields of a kind's `spec` by the options' names."""
    model = cls.model_fields["spec"].annotation
    assert inspect.isclass(model)
    assert issubclass(model, BaseModel)
    return dict(_fields(model, structural(model, words=True)))


def _kind(cls: type[Resource], models: dict[str, Any]) -> dict[str, Any]:
    info = cls.INFO
    return {
        **_where(cls),
        "namespaced": info.namespaced,
        "system": list(SYSTEM.get(info.kind, ())),
        "waits": cls.PENDING != EVERYTHING,
        "fields": {name: _bare(field, models) for name, field in fields(cls).items()},
    }


def _where(cls: type[Resource]) -> dict[str, Any]:
    """What a list of the kind is asked for by."""
    return {"api_version": cls.INFO.api_version, "kind": cls.INFO.kind, "plural": cls.INFO.plural}


def _bare(field: Mapping[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    """A field without its words. What a model is made of goes to `models` and is named (`@ACL`)."""
    kept = {key: value for key, value in field.items() if key not in ("description", "fields", "model")}
    if "fields" in field:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", field["model"]).upper()
        made = {inner: _bare(value, models) for inner, value in field["fields"].items()}
        assert models.setdefault(name, made) == made, f"two models are called {name}"
        kept["fields"] = f"@{name}"
    return kept


def _fields(model: type[BaseModel], schema: Schema) -> Iterator[tuple[str, dict[str, Any]]]:
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    for alias, node in schema["properties"].items():
        name = names[alias]
        inner = _inner(model.model_fields[name].annotation)
        field: dict[str, Any] = {"field": alias, **_type(node, inner)}
        if node.get(STORED) and "default" in node:
            field["stored"] = node["default"]
        if alias in schema.get("required", ()):
            field["required"] = True
        if name == "password":
            field["secret"] = True
        yield name, {**field, "description": _words(node)}


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model within an annotation like `Items[Acl]` or `Acl | None`."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)


def _type(node: Schema, model: type[BaseModel] | None) -> dict[str, Any]:
    if node.get("x-kubernetes-int-or-string"):
        return {"type": "raw"}
    if node["type"] == "array":
        item = _type(node["items"], model)
        found = {"type": "list", "elements": item.pop("type")}
        return {**found, **item} if "elements" not in item else {"type": "list", "elements": "list"}
    if node["type"] == "object":
        if model is None or "properties" not in node:
            return {"type": "dict"}
        return {"type": "dict", "fields": dict(_fields(model, node)), "model": model.__name__}
    return {"type": _TYPES[node["type"]], **({"choices": node["enum"]} if "enum" in node else {})}


def _words(node: Schema) -> str:
    text = node.get("description") or "As in the kind."
    return _markup(text if text.endswith((".", ")")) else f"{text}.")


def _markup(text: str) -> str:
    """Code in Ansible's markup."""
    return re.sub(r"`([^`()]+)`", r"C(\1)", text).replace("`", "")


def _documentation(cls: type[Resource], name: str) -> dict[str, Any]:
    info, summary = cls.INFO, _summary(cls)
    description = [
        f"Objects of the kind C({info.kind}) of C({info.api_version}): {summary[0].lower()}{summary[1:]}.",
        "The whole list is one task. It is read, compared and written with few requests, many of them at a time.",
    ]
    if cls.PENDING == EVERYTHING:
        description.append("This version keeps and checks these objects, and has no effect for them yet.")
    given = {key: value for key, value in _META.items() if key != "namespace" or info.namespaced}
    options = {**given, **{key: _option(field, top=True) for key, field in fields(cls).items()}}
    return {
        "module": name,
        "short_description": f"Manage a list of {info.kind} objects",
        "version_added": "0.2.0",
        "author": "The Weft authors (@weft)",
        "description": description,
        "extends_documentation_fragment": ["weft.ovn.resources", "weft.ovn.resources.common", "weft.ovn.weftctl"],
        "options": {
            "config": {
                "description": "The objects. A field that is not given is left alone, or with O(state=replaced) and "
                "O(state=overridden) absent.",
                "type": "list",
                "elements": "dict",
                "suboptions": options,
            }
        },
    }


def _summary(cls: type[Resource]) -> str:
    first = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return _markup(first).rstrip(".").split(". ")[0]


def _option(field: Mapping[str, Any], *, top: bool = False) -> dict[str, Any]:
    """An option's documentation. A field that the kind requires may be left out of a change to what is there."""
    option = {key: field[key] for key in ("description", "type", "elements", "choices") if key in field}
    if field.get("required") and not top:
        option["required"] = True
    if "fields" in field:
        option["suboptions"] = {name: _option(inner) for name, inner in field["fields"].items()}
    return option


def _examples(cls: type[Resource], name: str, example: str) -> list[dict[str, Any]]:
    document = yaml.safe_load(example)
    metadata = {key: value for key, value in document["metadata"].items() if key in _META}
    item = {**metadata, **to_options(fields(cls), document["spec"])}
    names = [{"name": item["name"]}] if not cls.INFO.namespaced else [dict(list(metadata.items())[:2])]
    return [
        {"name": "As these, whatever else there is", f"weft.ovn.{name}": {"config": [item]}},
        {"name": "These and no others", f"weft.ovn.{name}": {"config": [item], "state": "overridden"}},
        {"name": "Without them", f"weft.ovn.{name}": {"config": names, "state": "deleted"}},
        {"name": "What there is", f"weft.ovn.{name}": {"state": "gathered"}, "register": "found"},
    ]


def to_options(known: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A `spec` by the options' names."""
    found: dict[str, Any] = {}
    for name, field in known.items():
        if field["field"] in spec:
            value = spec[field["field"]]
            inner = field.get("fields")
            if inner and isinstance(value, list):
                value = [to_options(inner, item) for item in value]
            elif inner:
                value = to_options(inner, value)
            found[name] = value
    return found
