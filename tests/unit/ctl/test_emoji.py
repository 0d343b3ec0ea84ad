"""An IPv6 address may look like the name of a picture to rich: `fd00:100:64::3`."""

from __future__ import annotations

import io

from rich.table import Table

from weft.ctl.screen import console_for


def test_addresses_are_printed_as_they_are() -> None:
    stream = io.StringIO()
    table = Table(box=None)
    table.add_row("fd00:100:64::3")
    console_for(stream).print("fd00:100:64::3", table)
    assert stream.getvalue().count("fd00:100:64::3") == 2
