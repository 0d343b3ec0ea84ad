"""Hosts whose tunnels have different MTUs below them."""

from __future__ import annotations

import pytest

from weft.ctl.status import Host, uneven


@pytest.mark.parametrize(
    ("mtus", "said"),
    [
        ([], ""),
        ([1500, 1500], ""),
        ([1500, 0], ""),
        ([1500, 9000, 1500, 1500], "1500 on h0 and 2 more, 9000 on h1"),
    ],
)
def test_uneven(mtus: list[int], said: str) -> None:
    hosts = [Host(f"h{number}", True, 0, "", {}, {}, mtu) for number, mtu in enumerate(mtus)]
    assert uneven(hosts) == said
