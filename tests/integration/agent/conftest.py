"""One sandbox of OVN for the whole module: a subnet with both families, and an agent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.agent import AgentHost
from tests.support.ovn import OvnSandbox, available
from tests.support.site import Site, gateway_site


@pytest.fixture(scope="module")
def agent() -> Iterator[AgentHost]:
    if not available():
        pytest.skip("needs root and the reference OVN (make tools)")
    with OvnSandbox() as ovn:
        ovn.start_central()
        ovn.nbctl("ls-add", "blue")
        host = AgentHost(ovn, ovn.start_ovs("h1"), add_timeout=5, connect_grace=0.3, leftover_grace=0.3)
        host.rows.insert(
            "Subnet", name="blue", vpc="ovn-cluster", cidrs=["10.16.0.0/16", "fd00:10:16::/112"],
            gateways=["10.16.0.1", "fd00:10:16::1"], mtu=1400, host_routed=True,
        )  # fmt: skip
        try:
            host.start()
            yield host
        finally:
            host.close()


@pytest.fixture(scope="module")
def site(agent: AgentHost) -> Iterator[Site]:
    """The agent's host as a gateway, with networks beyond it."""
    with gateway_site(agent) as made:
        yield made
