"""One sandbox of OVN for the whole module: a subnet with both families, and an agent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.agent import AgentHost, lone_host
from tests.support.collection import alias
from tests.support.ovn import available
from tests.support.page import WHERE
from tests.support.site import Site, gateway_site

alias()  # for what `dpdk_layout` computes


@pytest.fixture(scope="module")
def agent() -> Iterator[AgentHost]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    with lone_host(metrics=WHERE, add_timeout=5, connect_grace=0.3, leftover_grace=0.3, egress_probe=0.3) as host:
        host.start()
        yield host


@pytest.fixture(scope="module")
def site(agent: AgentHost) -> Iterator[Site]:
    """The agent's host as a gateway, with networks beyond it."""
    with gateway_site(agent) as made:
        yield made
