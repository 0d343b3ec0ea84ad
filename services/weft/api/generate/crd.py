"""A CustomResourceDefinition of each kind (apiextensions.k8s.io/v1)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from weft.api.base import Resource
from weft.api.generate.schema import Schema, description, structural

GROUP, VERSION = "kubeovn.io", "v1"
LABELS = {"app.kubernetes.io/part-of": "weft"}
_COLUMN_TYPES = ("boolean", "integer", "number")


def crd(cls: type[Resource]) -> dict[str, Any]:
    """The definition as a document."""
    info = cls.INFO
    schema = object_schema(cls)
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(schema, title, path) for title, path in info.columns],
        "subresources": {"status": {}, **_scale(info.scale)},
        "schema": {"openAPIV3Schema": schema},
    }
    if not info.columns:
        del version["additionalPrinterColumns"]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{info.plural}.{GROUP}", "labels": LABELS},
        "spec": {
            "group": GROUP,
            "names": _names(cls),
            "scope": "Namespaced" if info.namespaced else "Cluster",
            "versions": [version],
        },
    }


def object_schema(cls: type[Resource]) -> Schema:
    """The schema of an object of the kind."""
    assert cls.STATUS is not None
    schema: Schema = {
        "description": description(cls),
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(spec_of(cls)),
            "status": structural(cls.STATUS),
        },
    }
    return {**schema, "required": ["spec"]} if cls.model_fields["spec"].is_required() else schema


def spec_of(cls: type[Resource]) -> type[BaseModel]:
    """The model of `spec`."""
    model: type[BaseModel] = cls.model_fields["spec"].annotation  # type: ignore[assignment]
    return model


def singular(plural: str) -> str:
    """`qos-policy` of `qos-policies`."""
    for many, one in (("policies", "policy"), ("dnses", "dns")):
        if plural.endswith(many):
            return plural.removesuffix(many) + one
    return plural.removesuffix("s")


def _names(cls: type[Resource]) -> dict[str, Any]:
    info = cls.INFO
    names = {
        "kind": info.kind,
        "listKind": f"{info.kind}List",
        "plural": info.plural,
        "singular": singular(info.plural),
    }
    return {**names, "shortNames": list(info.short_names)} if info.short_names else names


def _scale(paths: tuple[str, str, str] | None) -> dict[str, Any]:
    if paths is None:
        return {}
    names = ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
    return {"scale": {name: f".{path}" for name, path in zip(names, paths, strict=True)}}


def _column(schema: Schema, title: str, path: str) -> dict[str, str]:
    """Lists and objects are shown as their text."""
    if path.startswith("metadata."):
        kind = "date"
    else:
        node = schema
        for part in path.split("."):
            node = node["properties"][part]
        kind = node["type"] if node["type"] in _COLUMN_TYPES else "string"
    return {"name": title, "type": kind, "jsonPath": f".{path}"}
