"""Documents judged one after the other, each for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.api.documents import load_documents
from weft.ctl.errors import UsageError
from weft.ctl.sources import load_sources
from weft.ctl.world import admit
from weft.topology.view import View

VPC = "kind: Vpc\napiVersion: kubeovn.io/v1\nmetadata: {name: blue}\n"
SUBNET = "kind: Subnet\napiVersion: kubeovn.io/v1\nmetadata: {{name: {name}}}\nspec: {{vpc: blue, cidrBlock: {cidr}}}\n"


def judge(*documents: str) -> list[tuple[str, tuple[str, ...]]]:
    loaded = load_documents("---\n".join(documents), "f.yml")
    assert not loaded.problems
    return [(v.document.resource.ref, tuple(map(str, v.problems))) for v in admit(View(), loaded.documents)]


def test_kinds_are_taken_in_the_order_in_which_they_depend() -> None:
    assert judge(SUBNET.format(name="a", cidr="10.0.0.0/24"), VPC) == [("Vpc/blue", ()), ("Subnet/a", ())]


def test_a_refused_document_does_not_stand_in_the_way_of_the_next() -> None:
    verdicts = judge(
        VPC,
        SUBNET.format(name="a", cidr="10.0.0.0/24"),
        SUBNET.format(name="b", cidr="10.0.0.0/25"),
        SUBNET.format(name="c", cidr="10.0.1.0/24"),
    )
    assert [bool(problems) for _, problems in verdicts] == [False, False, True, False]
    (problem,) = verdicts[2][1]
    assert problem.startswith("f.yml:")
    assert "10.0.0.0/25 overlaps 10.0.0.0/24 of Subnet/a" in problem


def test_the_same_object_twice_is_an_error_that_names_the_first() -> None:
    (_, problems) = judge(VPC, VPC)[1]
    assert problems == ("f.yml:5: Vpc/blue: metadata.name: is given twice, first at f.yml:1",)


def test_a_folder_is_read_by_name_and_only_its_documents(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(VPC)
    (tmp_path / "a.yaml").write_text(VPC.replace("blue", "red"))
    (tmp_path / "notes.txt").write_text("not: ours")
    loaded = load_sources([str(tmp_path)])
    assert [document.resource.name for document in loaded.documents] == ["red", "blue"]


@pytest.mark.parametrize("name", ["missing.yml", "."])
def test_nothing_to_read_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=name.replace(".", r"\.")):
        load_sources([name])
