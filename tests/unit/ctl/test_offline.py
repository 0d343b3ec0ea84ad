"""`weftctl plan --offline`: the rules' words with no fabric at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support.ctl import ROOT
from tests.support.refused import ROWS, WORLD, Refused
from weft.ctl.main import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


class Ctl:
    """Runs weftctl in this process: a new one for each row of the table would take most of a minute."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def __call__(self, *arguments: str) -> Said:
        with pytest.raises(SystemExit) as caught:
            main(["plan", "--offline", *arguments])
        said = self._capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Said(caught.value.code, said.out, said.err)

    def file(self, name: str, *documents: object) -> str:
        path = self.folder / name
        path.write_text(yaml.safe_dump_all(documents))
        return str(path)


@pytest.fixture
def ctl(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    monkeypatch.setenv("COLUMNS", "200")
    return Ctl(capsys, tmp_path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("world") / "world.yml"
    path.write_text(yaml.safe_dump_all(WORLD))
    return str(path)


@pytest.mark.parametrize("case", ROWS)
def test_it_is_refused_with_its_words(ctl: Ctl, world: str, case: Refused) -> None:
    file = ctl.file("new.yml", case.document)
    said = ctl("--given", world, "-f", file, *(("--delete",) if case.deletes else ()))
    assert said.err.splitlines() == [f"error: {file}:1: {words}" for words in case.says]
    assert said.code == 1
    assert said.out.splitlines()[-1] == "0 documents are as the rules want them, 1 are not; no fabric was asked"


def test_without_a_world_it_is_a_new_fabric(ctl: Ctl) -> None:
    said = ctl("-f", str(ROOT / "docs/examples"))
    assert (said.code, said.err) == (0, "")
    assert "address 10.66.0.11 of subnet subnet1 would be reserved for Pod/ns1/nginx" in said.out
    assert said.out.splitlines()[-1].endswith("0 are not; no fabric was asked")


def test_what_is_there_already_is_changed_or_not(ctl: Ctl, world: str) -> None:
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "green"}, "spec": {}}
    new = {**vpc, "metadata": {"name": "blue"}}
    changed = {**vpc, "metadata": {"name": "red"}, "spec": {"namespaces": ["ns-red", "ns1"]}}
    said = ctl("--given", world, "-f", ctl.file("new.yml", vpc, new, changed), "-o", "json")
    assert {item["object"]: item["action"] for item in json.loads(said.out)["objects"]} == {
        "Vpc/green": "unchanged",
        "Vpc/blue": "created",
        "Vpc/red": "configured",
    }


def test_users_go_before_what_they_use(ctl: Ctl, world: str) -> None:
    names = [("Vpc", "green"), ("Subnet", "both"), ("Subnet", "empty"), ("IP", "pair.ns1")]
    unwanted = [item for item in WORLD if (item["kind"], item["metadata"]["name"]) in names]
    said = ctl("--given", world, "-f", ctl.file("old.yml", *unwanted), "--delete")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[1] for line in said.out.splitlines()[:-1]] == [
        "IP/pair.ns1",
        "Subnet/both",
        "Subnet/empty",
        "Vpc/green",
    ]


def test_what_is_not_there_cannot_be_deleted(ctl: Ctl) -> None:
    file = ctl.file("old.yml", {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "x"}, "spec": {}})
    said = ctl("-f", file, "--delete")
    assert (said.code, said.err) == (1, f"error: {file}:1: Vpc/x: does not exist\n")


@pytest.mark.parametrize(
    ("cidrs", "code"), [((), 1), (("10.96.0.0/16",), 0), (("10.96.0.0/16", "10.100.0.0/16,fd00::/108"), 1)]
)
def test_services_are_where_one_says(ctl: Ctl, cidrs: tuple[str, ...], code: int) -> None:
    subnet = {"cidrBlock": "10.100.0.0/24"}
    file = ctl.file(
        "x.yml", {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "x"}, "spec": subnet}
    )
    assert ctl("-f", file, *(part for cidr in cidrs for part in ("--service-cidr", cidr))).code == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-f", "nowhere.yml"), "nowhere.yml: cannot be read"),
        (
            ("-f", str(ROOT / "docs/examples"), "--service-cidr", "10.96.0.1/12"),
            "--service-cidr: 10.96.0.1/12 has host bits set",
        ),
        ((), "give at least one file"),
    ],
)
def test_wrong_usage(ctl: Ctl, arguments: tuple[str, ...], words: str) -> None:
    said = ctl(*arguments)
    assert said.code == 2
    assert words in said.err


def test_its_options_are_for_it_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as caught:
        main(["plan", "-f", "x.yml", "--delete"])
    assert caught.value.code == 2
    assert "--delete and --service-cidr go with --offline" in capsys.readouterr().err
