"""The Kubernetes store: objects are watched at the API server, and what the fabric has to say is written there.

Of each object a slot is kept (typed object, version, our part of metadata and status), never the raw document. Writes
are merged per object and many are in flight; what is so already is not written. Kubernetes' own objects (Pod, Node,
Namespace) get Kube-OVN's annotations, since their status is somebody else's; whatever is wrong with them is an event.

The API server cannot fence. So before a batch the fabric's epoch is checked, and the lease is short: what a stale
leader may still write here are addresses and statuses of objects that its successor compares and puts right, while the
databases refuse it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from weft import log
from weft.api.annotations import wishes, written
from weft.api.base import KindInfo, Resource, object_ref
from weft.api.core import Node
from weft.api.kinds import KINDS
from weft.api.problem import InvalidError, Problem
from weft.ovsdb.fence import Fence
from weft.store import kube_nodes
from weft.store.base import (
    KUBERNETES,
    Annotations,
    Changes,
    NetworkHealth,
    ObjectChange,
    Removed,
    Status,
    Stored,
    StoreError,
    Writes,
)
from weft.store.conditions import merge_status, rounded, timestamp
from weft.store.kube_api import MERGE_PATCH, STRATEGIC_PATCH, ApiError, Json, KubeApi, collection_path, object_path
from weft.store.kube_events import EventWriter
from weft.store.reflector import Reflector

_log = log.get_logger(__name__)
Request = Callable[[], Awaitable[None]]
FINALIZER = "kubeovn.io/kube-ovn-controller"
IN_FLIGHT = 32
REFUSED = (400, 413, 422)
"""Answers that a repetition would not change: said in the log, and no reason to hold up other objects."""
HELD_BY_FINALIZER = ("Vpc", "Subnet", "Vip")
"""Kinds whose deletion waits until their rows are gone and nobody uses them."""


@dataclass(slots=True)
class Slot:
    """What is kept of an object."""

    cls: type[Resource]
    namespace: str
    name: str
    uid: str
    generation: int
    version: str
    """`resourceVersion` of the document that this was made of."""
    resource: Resource | None
    status: Json = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    leaving: bool = False
    problems: tuple[Problem, ...] = ()
    """Why there is no typed object."""

    @property
    def path(self) -> str:
        return object_path(self.cls.INFO, self.namespace, self.name)


class KubernetesStore:
    """Implements `weft.store.base.Store` and `weft.store.reflector.Sink`."""

    name = KUBERNETES

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._slots: dict[str, Slot] = {}
        self._changes = Changes()
        self._kinds: dict[str, type[Resource]] = {**KINDS, "Node": Node}
        self._reflectors: list[Reflector] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._limit = asyncio.Semaphore(IN_FLIGHT)
        self._events = EventWriter(api)

    async def start(self, poke: Callable[[], None]) -> None:
        self._reflectors = [Reflector(self._api, cls.INFO, self, poke) for cls in self._kinds.values()]
        self._tasks = [asyncio.ensure_future(reflector.run()) for reflector in self._reflectors]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what is there ------------------------------------------------------------------------------------------------

    async def load(self) -> Sequence[ObjectChange]:
        """Waits until every kind was listed: half a view is no view."""
        if missing := self.unsynced():
            raise StoreError(f"not listed yet: {', '.join(missing)}")
        self._changes.follow()
        return [self._stored(ref, slot) for ref, slot in self._slots.items()]

    def take_changes(self) -> list[ObjectChange]:
        return self._changes.take()

    def rest(self) -> None:
        self._changes.follow(False)

    def unsynced(self) -> Collection[str]:
        return [reflector.info.kind for reflector in self._reflectors if not reflector.synced.is_set()]

    def __contains__(self, ref: object) -> bool:
        return ref in self._slots

    def refs(self) -> Collection[str]:
        return self._slots.keys()

    # -- told by reflectors -------------------------------------------------------------------------------------------

    def listed(self, info: KindInfo, items: list[Json]) -> None:
        present = {_ref(info, item) for item in items}
        kind = f"{info.kind}/"
        for ref in [ref for ref in self._slots if ref.startswith(kind) and ref not in present]:
            del self._slots[ref]
            self._changes.add(Removed(ref, seen=False))
        for item in items:
            self.put(info, item)

    def put(self, info: KindInfo, item: Json) -> None:
        ref = _ref(info, item)
        old = self._slots.get(ref)
        if old is not None and old.version == item["metadata"].get("resourceVersion"):
            return  # the answer to our own request came first, or it is listed again
        slot = _slot(self._kinds[info.kind], item)
        self._slots[ref] = slot
        try:
            slot.resource = typed(slot.cls, item)
        except InvalidError as error:
            slot.problems = tuple(error.problems)
        if old is not None and old.uid != slot.uid:
            self._changes.add(Removed(ref))
        elif old is not None and self._stored(ref, old) == self._stored(ref, slot):
            return
        self._changes.add(self._stored(ref, slot))

    def gone(self, info: KindInfo, item: Json) -> None:
        ref = _ref(info, item)
        slot = self._slots.get(ref)
        if slot is not None and slot.uid == item["metadata"]["uid"]:
            del self._slots[ref]
            self._changes.add(Removed(ref))

    @staticmethod
    def _stored(ref: str, slot: Slot) -> Stored:
        return Stored(ref, slot.resource, slot.problems, slot.leaving)

    # -- writing ------------------------------------------------------------------------------------------------------

    async def write(self, writes: Writes, fence: Fence) -> None:
        requests: list[Request] = [
            *(partial(self._create, resource) for resource in writes.create if resource.ref not in self._slots),
            *(self._change(resource) for resource in writes.update if resource.ref in self._slots),
            *(partial(self._delete, self._slots[ref]) for ref in writes.delete if ref in self._slots),
            *self._updates(writes),
            *self._networks(writes.networks),
        ]
        if not requests:
            return
        await fence.check()
        results = await asyncio.gather(*(self._limited(request) for request in requests), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, ApiError):
                raise failure
        if failures:
            raise StoreError(f"{len(failures)} of {len(results)} writes failed, the first: {failures[0]}")

    async def _limited(self, request: Request) -> None:
        async with self._limit:
            await request()

    def _updates(self, writes: Writes) -> Iterable[Request]:
        for ref in {**writes.statuses, **writes.annotations, **dict.fromkeys(writes.finalize)}:
            slot = self._slots.get(ref)
            if slot is None:
                continue
            metadata = self._metadata(slot, writes.annotations.get(ref), ref in writes.finalize)
            if metadata:
                yield partial(self._patch, slot, slot.path, {"metadata": metadata})
            if ref in writes.statuses:
                yield from self._status(slot, writes.statuses[ref])

    def _metadata(self, slot: Slot, annotations: Annotations | None, finalize: bool) -> Json:
        """What of annotations and finalizers differs."""
        metadata: Json = {}
        if annotations:
            differing = {key: value for key, value in annotations.items() if slot.annotations.get(key) != value}
            if differing:
                metadata["annotations"] = differing
        wanted = slot.finalizers
        if finalize:
            wanted = tuple(name for name in wanted if name != FINALIZER)
        elif slot.cls.INFO.kind in HELD_BY_FINALIZER and not slot.leaving and FINALIZER not in wanted:
            wanted = (*wanted, FINALIZER)
        if wanted != slot.finalizers:
            metadata["finalizers"] = list(wanted)
        return metadata

    def _status(self, slot: Slot, status: Status) -> Iterable[Request]:
        if slot.cls.STATUS is not None:
            merged = merge_status(rounded(slot.status), rounded(status), timestamp())
            if merged is not None:
                yield partial(self._patch, slot, f"{slot.path}/status", {"status": merged})
        yield from self._events.about(slot.cls.INFO, slot.namespace, slot.name, slot.uid, status)

    def _networks(self, networks: Mapping[str, NetworkHealth]) -> Iterable[Request]:
        for ref, health in networks.items():
            slot = self._slots.get(ref)
            if slot is None:
                continue
            taints = kube_nodes.taints_patch(slot.status, health)
            condition = kube_nodes.condition_patch(slot.status, health, timestamp())
            if taints or condition:
                yield partial(self._tell_network, slot, taints, condition)

    async def _tell_network(self, slot: Slot, taints: Json | None, condition: Json | None) -> None:
        """Taints first: they are for the version that was read, and what else is written makes another one."""
        if taints is not None:
            await self._patch(slot, slot.path, {"metadata": {"resourceVersion": slot.version}, **taints})
        if condition is not None:
            await self._patch(slot, f"{slot.path}/status", condition, STRATEGIC_PATCH)

    async def _create(self, resource: Resource) -> None:
        info = resource.INFO
        body: Json = {
            "apiVersion": info.api_version,
            "kind": info.kind,
            "metadata": {"name": resource.name, "labels": resource.metadata.labels},
            "spec": resource.spec_document(),
        }
        try:
            self.put(info, await self._api.create(collection_path(info, resource.namespace), body))
        except ApiError as error:
            if error.status != 409:
                raise

    def _change(self, resource: Resource) -> Request:
        slot = self._slots[resource.ref]
        body = {"metadata": {"labels": resource.metadata.labels}, "spec": resource.spec_document()}
        return partial(self._patch, slot, slot.path, body)

    async def _delete(self, slot: Slot) -> None:
        try:
            await self._api.delete(slot.path)
        except ApiError as error:
            if error.status != 404:
                raise

    async def _patch(self, slot: Slot, path: str, body: Mapping[str, Any], content: str = MERGE_PATCH) -> None:
        """An object that is gone, or another one of its name, needs no status any more."""
        document = {**body, "metadata": {**body.get("metadata", {}), "uid": slot.uid}}
        try:
            answer = await self._api.patch(path, document, content)
        except ApiError as error:
            if error.status in REFUSED:
                _log.error("the API refuses what is to be said of an object", path=path, reason=error)
            elif error.status not in (404, 409):
                raise
            return
        current = self._slots.get(_ref(slot.cls.INFO, answer))
        if current is not None and current.uid == slot.uid:  # so that it is known before the watch tells it
            fresh = _slot(slot.cls, answer)
            current.status, current.annotations, current.finalizers = fresh.status, fresh.annotations, fresh.finalizers


def _ref(info: KindInfo, item: Json) -> str:
    metadata = item["metadata"]
    return object_ref(info, metadata.get("namespace", ""), metadata["name"])


def _slot(cls: type[Resource], item: Json) -> Slot:
    metadata = item["metadata"]
    return Slot(
        cls,
        metadata.get("namespace", ""),
        metadata["name"],
        metadata["uid"],
        metadata.get("generation", 1),
        metadata.get("resourceVersion", ""),
        None,
        _status_of(cls, item),
        written(metadata.get("annotations", {})),
        tuple(metadata.get("finalizers", ())),
        "deletionTimestamp" in metadata,
    )


def _status_of(cls: type[Resource], item: Json) -> Json:
    """What is ours of the status of our kinds, and of a node what is said of its network."""
    if cls is Node:
        return kube_nodes.kept(item)
    return {} if cls.STATUS is None else item.get("status", {})


def typed(cls: type[Resource], item: Json) -> Resource:
    """The object that an API server's document stands for. Raises InvalidError."""
    metadata = item["metadata"]
    return cls.parse(document_of(item), uid=metadata.get("uid", ""), generation=metadata.get("generation", 1))


def document_of(item: Json) -> Json:
    """The part that a typed object is made of. What we wrote ourselves on a pod is no wish of its owner."""
    metadata = item["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "creationTimestamp") if key in metadata}
    kept["annotations"] = wishes(metadata.get("annotations", {}))
    if makers := [owner for owner in metadata.get("ownerReferences", ()) if owner.get("controller")]:
        kept["ownerReferences"] = makers
    return {"metadata": kept, "spec": item.get("spec", {}), "status": item.get("status")}
