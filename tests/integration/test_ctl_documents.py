"""apply, get, describe and delete on a real store: what a user sees, and what is in the store afterwards."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from tests.support.ctl import ROOT, Weftctl
from tests.support.fabric import Fabric

EXAMPLES = str(ROOT / "docs/examples")


async def test_examples_apply_twice(made: Fabric) -> None:
    """The second time nothing is written: not even a generation grows."""
    ctl = Weftctl(made.ovn)
    async with made.controller():
        first = await ctl("apply", "-f", EXAMPLES)
        assert (first.code, first.err) == (0, "")
        assert all(line.endswith(" created") for line in first.lines)
        before = {ref: record.generation for ref, record in (await made.records()).items()}
        second = await ctl("apply", "-f", EXAMPLES)
        assert second.code == 0
        assert all(line.endswith(" unchanged") for line in second.lines)
        assert {ref: record.generation for ref, record in (await made.records()).items()} == before


async def test_a_vpc_may_come_after_its_subnet_in_one_call(made: Fabric, tmp_path: Path) -> None:
    ctl = Weftctl(made.ovn)
    documents = """
kind: Subnet
apiVersion: kubeovn.io/v1
metadata: {name: late}
spec: {vpc: after, cidrBlock: 10.9.0.0/24}
---
kind: Vpc
apiVersion: kubeovn.io/v1
metadata: {name: after}
"""
    said = await ctl("apply", "-f", "-", stdin=documents)
    assert (said.code, said.lines) == (0, ["vpc/after created", "subnet/late created"])


async def test_what_is_wrong_names_file_line_object_field_and_the_rest_is_applied(made: Fabric, tmp_path: Path) -> None:
    ctl = Weftctl(made.ovn)
    bad = tmp_path / "bad.yml"
    bad.write_text("""\
kind: Subnet
apiVersion: kubeovn.io/v1
metadata: {name: unknown}
spec: {cidrBlock: 10.1.0.0/24, bogus: 1}
---
kind: Subnet
apiVersion: kubeovn.io/v1
metadata: {name: outside}
spec: {cidrBlock: 10.2.0.0/24, gateway: 10.3.0.1}
---
kind: [
---
kind: Subnet
apiVersion: kubeovn.io/v1
metadata: {name: overlaps}
spec: {cidrBlock: 10.16.3.0/24}
---
kind: Subnet
apiVersion: kubeovn.io/v1
metadata: {name: good}
spec: {cidrBlock: 10.4.0.0/24}
---
kind: Subnet
apiVersion: kubeovn.io/v1
metadata: {name: good}
spec: {cidrBlock: 10.5.0.0/24}
""")
    async with made.controller():
        said = await ctl("apply", "-f", str(bad))
        assert (said.code, said.lines) == (1, ["subnet/good created"])
        for text in (
            f"{bad}:1: Subnet/unknown: spec.bogus: no such field",
            f"{bad}:6: Subnet/outside: spec.gateway: 10.3.0.1 is not inside spec.cidrBlock 10.2.0.0/24",
            "not YAML",
            f"{bad}:13: Subnet/overlaps: spec.cidrBlock: 10.16.3.0/24 overlaps 10.16.0.0/16 of Subnet/ovn-default",
            f"{bad}:23: Subnet/good: metadata.name: is given twice, first at {bad}:18",
        ):
            assert text in said.err
        assert "Subnet/good" in await made.records()


async def test_dry_run_judges_and_writes_nothing(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller():
        before = await made.records()
        said = await ctl("apply", "--dry-run", "-f", EXAMPLES)
        assert said.code == 0
        assert "subnet/subnet1 created (dry run)" in said.lines
        assert (await made.records()).keys() == before.keys()


async def test_get_in_all_forms(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
        table = (await ctl("get", "subnets")).lines
        assert table[0].split()[:4] == ["NAME", "PROVIDER", "VPC", "CIDR"]
        (subnet1,) = [line for line in table if line.startswith("subnet1 ")]
        assert "10.66.0.0/16" in subnet1
        assert " True " in subnet1
        pods = (await ctl("get", "po", "-A")).lines
        assert pods[0].startswith("NAMESPACE   NAME")
        assert any("False (PortDown)" in line for line in pods)
        assert (await ctl("get", "vpc", "-o", "name")).lines == ["vpc/ovn-cluster", "vpc/test-vpc-1", "vpc/test-vpc-2"]
        one = (await ctl("get", "Subnet", "net1", "-o", "json")).document
        assert (one["metadata"]["name"], one["spec"]["vpc"]) == ("net1", "test-vpc-1")
        assert (await ctl("get", "subnets", "-o", "json")).document["kind"] == "List"
        described = await ctl("describe", "subnet", "subnet1")
        assert re.search(r"^conditions:\n  Ready +True +Committed ", described.out, re.MULTILINE)


async def test_get_of_what_is_not_there(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    said = await ctl("get", "subnet", "nix")
    assert (said.code, said.err) == (1, "error: Subnet/nix does not exist\n")
    said = await ctl("get", "carrots")
    assert said.code == 2
    assert "allowed: Namespace" in said.err


async def test_delete_keeps_what_is_in_use(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
        for kind, name, word in (
            ("subnet", "subnet1", "is in use by 3 addresses"),
            ("vpc", "test-vpc-1", "is in use by 1 subnets: net1"),
            ("namespace", "ns1", "is in use by 2 pods"),
            ("vpc", "ovn-cluster", "part of the fabric"),
        ):
            said = await ctl("delete", kind, name)
            assert said.code == 1
            assert word in said.err


async def test_delete_all_examples_at_once(made: Fabric) -> None:
    """Users go before what they use; a subnet is only free when the controller has released its addresses."""
    ctl = Weftctl(made.ovn)
    async with made.controller() as controller:
        await ctl("apply", "-f", EXAMPLES)
        await made.settled(controller)
        await ctl("delete", "-f", f"{EXAMPLES}/endpoints.yml")
        await made.settled(controller)
        said = await ctl("delete", "-f", f"{EXAMPLES}/vpcs.yml")
        assert (said.code, said.err) == (0, "")
        assert said.lines[0] == "subnet/net1 deleted"
        assert "Vpc/test-vpc-1" not in await made.records()


async def test_delete_of_what_is_not_there(made: Fabric) -> None:
    ctl = Weftctl(made.ovn)
    assert "Subnet/nix: does not exist" in (await ctl("delete", "subnet", "nix")).err
    assert (await ctl("delete", "subnet", "nix", "--ignore-not-found")).code == 0


async def test_many_writers_lose_nothing(made: Fabric) -> None:
    """Each call reads, judges and writes again when another was faster."""
    ctl = Weftctl(made.ovn)

    def document(number: int) -> str:
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "shared", "labels": {"writer": str(number)}},
            }
        )

    answers = await asyncio.gather(*(ctl("apply", "-f", "-", stdin=document(number)) for number in range(4)))
    assert [said.code for said in answers] == [0] * 4
    assert sum("created" in said.out for said in answers) == 1
    record = (await made.records())["Namespace/shared"]
    assert json.loads(record.metadata)["labels"]["writer"] in "0123"
