"""Integration tests run real OVN daemons; without them they are skipped, loudly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.support.ctl_cluster import Cluster, cluster_of_three
from tests.support.fabric import Fabric, fabric
from tests.support.ovn import available


@pytest.fixture(scope="session", autouse=True)
def _real_daemons() -> None:
    if not available():
        pytest.skip("no OVN programs, or not root: run `make ovn-tools` as root", allow_module_level=False)


@pytest_asyncio.fixture
async def made() -> AsyncIterator[Fabric]:
    """A fabric of databases, without northd: nothing in it yet but its UID."""
    async with fabric(northd=False) as result:
        yield result


@pytest_asyncio.fixture
async def translated() -> AsyncIterator[Fabric]:
    """The same with the Southbound and northd, for ovn-trace."""
    async with fabric() as result:
        yield result


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three members of the Weft database."""
    with cluster_of_three() as result:
        yield result
