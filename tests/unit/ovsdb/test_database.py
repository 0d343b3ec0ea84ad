"""A database's connection: what it leaves behind when it is closed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from weft.ovsdb.database import Database
from weft.ovsdb.errors import NotConnectedError


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.asyncio
async def test_a_closed_database_leaves_no_descriptor(tmp_path: Path) -> None:
    """python-ovs waits by select(), which knows the first 1,024 only: a process must not lose any."""
    await _open_and_close(tmp_path)
    before = _descriptors()
    for _ in range(5):
        await _open_and_close(tmp_path)
    assert _descriptors() == before


async def _open_and_close(folder: Path) -> None:
    database = Database("Weft", f"unix:{folder}/nobody.sock", {"Object": None})
    with pytest.raises(NotConnectedError):
        await database.start(timeout=0.05)
    await database.close()
