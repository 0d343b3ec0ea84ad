"""What `why` and `explain` share: the name of an object as a person types it, and where objects are kept."""

from __future__ import annotations

from collections.abc import Mapping

from weft.api.base import object_ref
from weft.api.kinds import find_kind
from weft.api.problem import InvalidError
from weft.ctl.errors import UsageError
from weft.store.fabric import Record

ELSEWHERE = "objects are kept in Kubernetes: kubectl describe shows their conditions and events"


def parse_ref(text: str, namespace: str) -> str:
    """`Pod/ns1/web` of `pod/ns1/web`, or of `po/web` with the namespace `ns1`; hosts are `Host/NAME`."""
    word, _, name = text.partition("/")
    if word.lower() in ("host", "hosts") and name:
        return f"Host/{name}"
    try:
        info = find_kind(word).INFO
    except InvalidError as error:
        raise UsageError(str(error)) from None
    given, _, last = name.rpartition("/")
    if not last or (given and not info.namespaced):
        form = f"{info.kind}/NAMESPACE/NAME, or {info.kind}/NAME with -n" if info.namespaced else f"{info.kind}/NAME"
        raise UsageError(f"{text}: expected {form}")
    return object_ref(info, given or namespace, last)


def kept_elsewhere(records: Mapping[str, Record]) -> bool:
    """A fabric's own store is never empty: it has the default VPC. So the objects are in Kubernetes."""
    return not records
