"""The third commit of docs/examples/vpc-two-subnets, which takes a subnet out of the lists, with `state=overridden`.

Played as an engineer does, at an API of its own with a controller: on the lab it would delete the other networks. What
it does at the fabric's own store, test_resource_modules.py has.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.fabric import Fabric
from tests.support.kubernetes import KubeSandbox, find_programs
from tests.support.module import succeeded
from tests.support.ovn import ROOT
from tests.support.play import Play, play

FOLDER = ROOT / "docs/examples/vpc-two-subnets"
NETWORK, THIRD = (yaml.safe_load((FOLDER / f"{commit}.yml").read_text()) for commit in ("network", "third"))
OTHERS = [
    {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": f"old-{kind.lower()}"}, "spec": spec}
    for kind, spec in (
        ("Vpc", {}),
        ("Subnet", {"vpc": "old-vpc", "cidrBlock": "10.88.0.0/24"}),
        ("IPPool", {"subnet": "old-subnet", "ips": ["10.88.0.64/28"]}),
        ("Vip", {"subnet": "old-subnet", "v4ip": "10.88.0.9"}),
    )
]
"""Objects that somebody made by hand; no list has them."""
BORN = {"vpcs": {"ovn-cluster"}, "subnets": {"ovn-default", "join"}}
LISTED = {"vpcs": {"shop"}, "subnets": {"shop-web"}, "ip_pools": set(), "vips": set()}


class Site:
    """A fabric's objects: where they are, and what there is."""

    def __init__(self, where: dict[str, str], folder: Path) -> None:
        self._where = where
        self._inventory = folder / "hosts.yml"
        host = {"ansible_connection": "local", "weft_store": where, "weft_store_python": sys.executable}
        self._inventory.write_text(yaml.safe_dump({"ovn_central": {"hosts": {"here": host}}}))

    async def play(self, *arguments: str) -> Play:
        """The third commit; there are no hosts here for workloads, which are the lab tests' subject."""
        variables = {"commit": "third", "state": "overridden", "workload_documents": []}
        call = partial(play, FOLDER / "playbook.yml", *arguments, variables=variables, inventory=self._inventory)
        return (await asyncio.to_thread(call)).succeeded()

    async def module(self, name: str, **options: Any) -> dict[str, Any]:
        return await asyncio.to_thread(partial(succeeded, name, **options, **self._where))

    async def names(self) -> dict[str, set[str]]:
        found = {kind: (await self.module(kind, state="gathered"))["gathered"] for kind in LISTED}
        return {kind: {item["name"] for item in items} - BORN.get(kind, set()) for kind, items in found.items()}

    async def born(self) -> dict[str, Any]:
        """What the fabric was born with, as it is."""
        found = {kind: (await self.module(kind, state="gathered"))["gathered"] for kind in BORN}
        return {kind: [item for item in items if item["name"] in BORN[kind]] for kind, items in found.items()}


@pytest.fixture(scope="module")
def kube() -> Iterator[KubeSandbox]:
    """An API of its own: `overridden` deletes whatever others have in one."""
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def site(made: Fabric, kube: KubeSandbox, tmp_path: Path) -> Site:
    kube.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "roles/crds/files"))
    kube.kubectl("wait", "--for=condition=Established", "crd", "--all")
    kube.kubectl("apply", "-f", str(ROOT / "roles/controller/files/rbac.yaml"))
    made.kubeconfig = str(kube.kubeconfig())
    return Site({"store": "kubernetes", "kubeconfig": made.kubeconfig}, tmp_path)


async def test_a_commit_that_takes_out(made: Fabric, site: Site) -> None:
    async with made.controller():
        for kind in ("vpcs", "subnets"):
            await site.module(kind, config=NETWORK[kind], wait=True)
        await site.module("resources", config=OTHERS, wait=True)
        before, born = await site.names(), await site.born()
        assert before == {"vpcs": {"shop", "old-vpc"}, "subnets": {"shop-web", "shop-db", "old-subnet"},
                          "ip_pools": {"old-ippool"}, "vips": {"old-vip"}}  # fmt: skip
        shown = await site.play("--check", "--diff")
        for name in ("shop-db", "old-subnet", "old-vpc", "old-ippool", "old-vip"):
            assert f'-    "{name}": {{' in shown.text, shown.text[-6000:]
        assert await site.names() == before
        assert (await site.play()).changed == {"here": 5}
        assert await site.names() == LISTED
        assert await site.born() == born
        for kind in LISTED:
            assert not (await site.module(kind, config=THIRD.get(kind, []), state="overridden"))["changed"]
