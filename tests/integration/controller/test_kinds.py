"""Every kind through weftctl, the store and the controller: taken, shown, without effect, and deleted again."""

from __future__ import annotations

import pytest

from tests.support.ctl import Weftctl
from tests.support.examples import FOLDER, OURS
from tests.support.fabric import Fabric
from weft.api.base import EVERYTHING
from weft.api.kinds import KINDS

pytestmark = pytest.mark.asyncio
LATER = [kind for kind in OURS if KINDS[kind].PENDING == EVERYTHING]


async def test_kinds_without_behaviour(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    files = [part for kind in LATER for part in ("-f", str(FOLDER / f"{kind.lower()}.yml"))]
    async with made.controller() as controller:
        before = await made.content()
        applied = await ctl("apply", *files)
        assert (applied.code, applied.err) == (0, "")
        assert [line.rpartition(" ")[2] for line in applied.lines] == ["created"] * len(LATER)
        assert all(line.endswith(" unchanged") for line in (await ctl("apply", *files)).lines)
        await made.settled(controller)
        after = await made.content()
        assert {**after, "Object": []} == {**before, "Object": []}, "they are stored, and have no rows"
        for kind in LATER:
            shown = await ctl("get", kind, "-A")
            heading, row = shown.lines
            assert heading.split("   ")[0].strip() in ("NAME", "NAMESPACE")
            assert "False (NotYetInEffect)" in row, kind
        plan = await ctl("plan", "--exit-code")
        assert (plan.code, plan.lines[-1]) == (0, "no changes: the databases have what the objects ask for")
        deleted = await ctl("delete", *files)
        assert (deleted.code, deleted.err) == (0, "")
        await made.settled(controller)
        assert not [ref for ref in await made.records() if ref.partition("/")[0] in LATER]


async def test_what_cannot_be_changed_is_refused_by_weftctl(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    text = (FOLDER / "vip.yml").read_text()
    async with made.controller():
        await ctl("apply", "-f", "-", stdin=text)
        said = await ctl("apply", "-f", "-", stdin=text.replace("subnet: ovn-default", "subnet: other"))
    assert (said.code, said.out) == (1, "")
    assert said.err.endswith("Vip/static-vip01: spec.subnet: 'other': cannot be changed from 'ovn-default'\n")


async def test_wide_shows_all_columns(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        narrow, wide = [await ctl("get", "subnets", *options) for options in ((), ("-o", "wide"))]
    columns = [title.upper() for title, _ in KINDS["Subnet"].INFO.columns]
    assert set(columns) <= set(wide.lines[0].split())
    assert "GATEWAYTYPE" not in narrow.lines[0]
