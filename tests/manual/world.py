"""A fabric told by a real Kubernetes API, in which documents are applied and taken away again."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.error
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.manual.snapshot import Snapshot, difference, take
from tests.manual.workloads import NODE, pods_of
from tests.support.fabric import Fabric
from tests.support.kubernetes import KubeSandbox
from weft.controller.main import Controller

FOLDER = Path(__file__).parent
NAMESPACES = ("ns1", "ns2", "ns-1")
"""What the manual takes for granted, or makes by `kubectl create ns`."""
NODES = {"node1": {"role": "gateway"}, "node2": {"node-type": "egress"}}
"""The labels of the nodes that documents name or choose."""
PATHS = {
    "Vpc": "/apis/kubeovn.io/v1/vpcs",
    "Subnet": "/apis/kubeovn.io/v1/subnets",
    "IPPool": "/apis/kubeovn.io/v1/ippools",
    "Vip": "/apis/kubeovn.io/v1/vips",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "VirtualMachine": "/apis/kubevirt.io/v1/namespaces/{}/virtualmachines",
    "NetworkAttachmentDefinition": "/apis/k8s.cni.cncf.io/v1/namespaces/{}/network-attachment-definitions",
}


class ManualFile:
    """A document of the manual."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.golden = path.with_suffix(".txt")
        self.documents = list(yaml.safe_load_all(path.read_text()))

    @property
    def comments(self) -> list[str]:
        return [line[2:] for line in self.path.read_text().splitlines() if line.startswith("# ")]

    @cached_property
    def given(self) -> list[ManualFile]:
        """What comes before it, in order."""
        lines = [line.removeprefix("Given: ") for line in self.comments if line.startswith("Given: ")]
        return [ManualFile(FOLDER / name.strip()) for line in lines for name in line.split(",")]


FILES = [ManualFile(path) for path in sorted(FOLDER.glob("*.yml"))]


class World:
    """See the module's text."""

    def __init__(self, kube: KubeSandbox, made: Fabric) -> None:
        self.kube = kube
        self.made = made
        self._pods: list[str] = []
        self._former: dict[str, Any] = {}
        """Objects that were there before, by path: they are put back, not deleted."""

    @contextlib.asynccontextmanager
    async def controller(self) -> AsyncIterator[Controller]:
        """A controller of its own for each document: which address is next does not depend on other tests."""
        async with self.made.controller() as controller:
            yield controller

    async def populate(self) -> None:
        """Hosts and their nodes, which are ready."""
        for number, (name, labels) in enumerate(NODES.items(), start=2):
            address = f"172.18.0.{number}"
            await self.made.add_host(name, addresses=["set", [address]])
            await asyncio.to_thread(self._make_node, name, labels, address)

    def _make_node(self, name: str, labels: dict[str, str], address: str) -> None:
        status = {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
        made = self.kube.call("POST", "/api/v1/nodes", node)
        self.kube.call("PUT", f"/api/v1/nodes/{name}/status", {**made, "status": status})

    async def snapshot(self) -> Snapshot:
        return await asyncio.to_thread(take, self.made.ovn, self.kube)

    async def quiet(self, controller: Controller, seconds: float = 20) -> Snapshot:
        """What is there when nothing changes any more."""
        async with asyncio.timeout(seconds):
            last = await self.snapshot()
            while True:
                await asyncio.sleep(0.25)
                await self.made.settled(controller)
                now = await self.snapshot()
                if now == last:
                    return now
                last = now

    async def becomes(self, before: Snapshot, wanted: str, seconds: float = 15) -> str:
        """The difference since `before`, once it is as wanted, or when time is over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = difference(before, await self.snapshot())
            if found == wanted or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(0.1)

    # -- documents ----------------------------------------------------------------------------------------------------

    async def apply(self, file: ManualFile) -> None:
        """`kubectl apply`, then what Kubernetes' own controllers and its scheduler would do."""
        await asyncio.to_thread(self._apply, file)

    def _apply(self, file: ManualFile) -> None:
        for document in file.documents:
            if document["kind"] == "Subnet" and document["metadata"]["name"] == "ovn-default":
                self._former[_path(document)] = self.kube.call("GET", _path(document))
        self.kube.kubectl("apply", f"--filename={file.path}")
        for document in file.documents:
            if document["kind"] == "Pod":
                self._schedule(document)
            elif made := pods_of(document, self.kube.call("GET", _path(document))["metadata"]["uid"]):
                self._make(made)

    def _schedule(self, pod: dict[str, Any]) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod["metadata"]["name"]},
            "target": {"kind": "Node", "name": NODE},
        }
        self.kube.call("POST", f"{_path(pod)}/binding", binding)

    def _make(self, pods: Sequence[dict[str, Any]]) -> None:
        for pod in pods:
            self.kube.call("POST", _path(pod).rpartition("/")[0], pod)
            self._pods.append(_path(pod))

    async def clear(self, *files: ManualFile) -> None:
        """Take it all away again, all at once: what waits for its users goes after them."""
        await asyncio.to_thread(self._clear, files)

    def _clear(self, files: Sequence[ManualFile]) -> None:
        names = [f"--filename={file.path}" for file in reversed(files) if not self._restores(file)]
        if names:
            options = ("--wait=false", "--grace-period=0", "--force", "--ignore-not-found")
            self.kube.kubectl("delete", *names, *options)
        for path in self._pods:
            with contextlib.suppress(urllib.error.HTTPError):
                self.kube.call("DELETE", f"{path}?gracePeriodSeconds=0")
        for path, former in self._former.items():
            now = self.kube.call("GET", path)
            self.kube.call("PUT", path, {**now, "spec": former["spec"]})
        self._pods.clear()
        self._former.clear()

    def _restores(self, file: ManualFile) -> bool:
        return any(_path(document) in self._former for document in file.documents)


def _path(document: dict[str, Any]) -> str:
    metadata = document["metadata"]
    return f"{PATHS[document['kind']].format(metadata.get('namespace', 'default'))}/{metadata['name']}"
