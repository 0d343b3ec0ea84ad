"""Addresses of databases' members, from their remotes."""

from __future__ import annotations

import pytest

from plugins.inventory.fabric import address_of


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("ssl:172.30.0.11:6641", "172.30.0.11"),
        ("tcp:[fd00::1]:6641", "fd00::1"),
        ("unix:/run/ovn/ovnnb_db.sock", ""),
        ("ssl:db1.example.net:6641", "db1.example.net"),
    ],
)
def test_address_of(remote: str, address: str) -> None:
    assert address_of(remote) == address
