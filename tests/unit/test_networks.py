"""The networks of docs/examples as they stand: whole, valid, and none in another's way."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import yaml

from tests.support.collection import alias
from tests.support.ovn import ROOT
from weft.api.kinds import KINDS
from weft.api.subnet import Subnet
from weft.net.addresses import overlap

alias()
from plugins.module_utils.resources import config  # noqa: E402
from plugins.module_utils.resources.kinds import KINDS as TABLE  # noqa: E402

FOLDER = ROOT / "docs/examples"
NAMES = yaml.safe_load((FOLDER / "site/vars.yml").read_text())["every_network"]
OWN = {"namespaces", "workloads"}


def lists(name: str, commit: str) -> dict[str, list[Any]]:
    now, changed = (yaml.safe_load((FOLDER / name / f"{file}.yml").read_text()) for file in ("network", commit))
    return {**now, **changed}


def test_every_folder_is_played() -> None:
    assert sorted(path.parent.name for path in FOLDER.glob("*/network.yml")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_folders_playbook_plays_just_this_network(name: str) -> None:
    (play,) = yaml.safe_load((FOLDER / name / "playbook.yml").read_text())
    assert play["vars"] == {"networks": [name]}
    assert (FOLDER / name / "README.md").exists()


@pytest.mark.parametrize("commit", ["network", "next"])
@pytest.mark.parametrize("name", NAMES)
def test_lists_are_objects(name: str, commit: str) -> None:
    """Their fields are the modules' options, and what comes of them is what the kinds allow."""
    for module, items in lists(name, commit).items():
        assert module in OWN | set(TABLE), module
        for item in items if module not in OWN else []:
            kind = TABLE[module]
            assert item.keys() <= {"name", "labels", "annotations", *kind["fields"]}
            KINDS[kind["kind"]].parse(config.to_document(kind, item))


def test_no_two_subnets_of_a_vpc_overlap() -> None:
    """All networks are on one lab together."""
    kind = TABLE["subnets"]
    subnets = [
        Subnet.parse(config.to_document(kind, item)) for name in NAMES for item in lists(name, "network")["subnets"]
    ]
    for one, other in combinations(subnets, 2):
        assert one.name != other.name
        assert one.spec.vpc != other.spec.vpc or not any(
            overlap(mine, its) for mine in one.networks for its in other.networks
        )
