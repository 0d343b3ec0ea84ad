"""Every document of the manual, applied to a real Kubernetes API: what comes of it, and that nothing is left of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.manual.snapshot import difference
from tests.manual.world import FILES, FOLDER, NAMESPACES, ManualFile, World
from tests.support.fabric import fabric
from tests.support.kubernetes import KubeSandbox, find_programs
from tests.support.ovn import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")
REWRITE = os.environ.get("WEFT_GOLDEN") == "write"


@pytest.fixture(scope="module")
def kube() -> Iterator[KubeSandbox]:
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.kubectl("apply", "--server-side", f"--filename={ROOT / 'roles/crds/files'}")
        sandbox.kubectl("apply", "--server-side", f"--filename={ROOT / 'tests/support/foreign_crds.yml'}")
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for name in NAMESPACES:
            sandbox.kubectl("create", "namespace", name)
        yield sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(kube: KubeSandbox) -> AsyncIterator[World]:
    async with fabric() as made:
        made.kubeconfig = str(kube.kubeconfig())
        yield World(kube, made)


def compare(golden: Path, found: str) -> None:
    """With the reviewed text; or write it, to be reviewed."""
    if REWRITE:
        golden.write_text(found)
    assert found == golden.read_text()


async def test_a_new_fabric(world: World) -> None:
    """Sections 3.1.1 and 3.1.2: the subnets `ovn-default` and `join`."""
    before = await world.snapshot()
    async with world.controller() as controller:
        found = difference(before, await world.quiet(controller))
    compare(FOLDER / "3.1.1-new-fabric.txt", found)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def populated(world: World) -> World:
    await world.populate()
    return world


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path.stem)
async def test_a_document(populated: World, file: ManualFile) -> None:
    world = populated
    async with world.controller() as controller:
        empty = await world.quiet(controller)
        for other in file.given:
            await world.apply(other)
        before = await world.quiet(controller) if file.given else empty
        await world.apply(file)
        try:
            wanted = "" if REWRITE else file.golden.read_text()
            if not REWRITE:
                await world.becomes(before, wanted)
            compare(file.golden, difference(before, await world.quiet(controller)))
        finally:
            await world.clear(*file.given, file)
        assert await world.becomes(empty, "") == "", "something is left"
