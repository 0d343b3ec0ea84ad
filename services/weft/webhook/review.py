"""One review: from what an API server asks to what is wrong.

Judged is what a request would change. A label, a status or a finalizer changes nothing that a rule is about, so what
was stored before there was a webhook, or before a rule came to forbid it, is not held by it; nor is what is on its way
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.api.base import Resource
from weft.api.kinds import KINDS
from weft.api.problem import InvalidError, Problem
from weft.api.templates import MAKERS
from weft.store.kubernetes import document_of, typed
from weft.topology.rules import check_delete, check_put
from weft.topology.view import View

Json = Mapping[str, Any]
JUDGED: Mapping[str, type[Resource]] = {**KINDS, **MAKERS}


def judge(view: View, request: Json) -> list[Problem]:
    """What forbids a request (`AdmissionRequest`, admission.k8s.io/v1); nothing where it is not ours to judge."""
    cls = kind_of(request)
    if cls is None:
        return []
    if request["operation"] == "DELETE":
        return _deletion(view, cls, request)
    new, old = _named(request, request["object"]), request.get("oldObject")
    if "deletionTimestamp" in new["metadata"]:
        return []
    try:
        item = typed(cls, new)
    except InvalidError as error:
        return [] if old and _wish(old) == _wish(new) else error.problems
    return [] if old and _unchanged(cls, item, old) else check_put(view, item)


def kind_of(request: Json) -> type[Resource] | None:
    """The kind that a request is about, if its objects are judged."""
    kind = request["kind"]
    cls = JUDGED.get(kind["kind"])
    version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
    return cls if cls is not None and cls.INFO.api_version == version else None


def _deletion(view: View, cls: type[Resource], request: Json) -> list[Problem]:
    """Only of our own kinds: a namespace goes with all that is in it."""
    old = request.get("oldObject") or {"metadata": {"deletionTimestamp": ""}}
    if cls.STATUS is None or "deletionTimestamp" in old["metadata"]:
        return []
    try:
        return check_delete(view, typed(cls, old))
    except InvalidError:
        return []


def _named(request: Json, item: dict[str, Any]) -> dict[str, Any]:
    """A name may be still to come, when it is to be generated."""
    metadata = item["metadata"]
    name = metadata.get("name") or f"{metadata.get('generateName', '')}x"
    place = {"namespace": request["namespace"]} if request.get("namespace") else {}
    return {**item, "metadata": {**metadata, **place, "name": name}}


def _unchanged(cls: type[Resource], new: Resource, item: dict[str, Any]) -> bool:
    try:
        old = typed(cls, item)
    except InvalidError:
        return False
    return _content(old) == _content(new)


def _content(item: Resource) -> tuple[Any, Mapping[str, str]]:
    return getattr(item, "spec", None), item.metadata.annotations


def _wish(item: dict[str, Any]) -> tuple[Any, Any]:
    document = document_of(item)
    return document["spec"], document["metadata"]["annotations"]
