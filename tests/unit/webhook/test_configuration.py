"""What API servers are told to ask about, and what there is to judge, are the same."""

from __future__ import annotations

import re

import yaml

from tests.support.ovn import ROOT
from weft.api.annotations import _WISHES, DEFAULT_NETWORK, NETWORKS
from weft.api.templates import MAKERS

ROLE = ROOT / "roles/webhook"
VARIABLES = yaml.safe_load((ROLE / "vars/main.yml").read_text())
TEMPLATE = (ROLE / "templates/configuration.yml.j2").read_text()


def test_every_wish_is_asked_about() -> None:
    assert VARIABLES["webhook_wishes"] == sorted(_WISHES)
    for network in (NETWORKS, DEFAULT_NETWORK):
        assert f"'{network}'" in VARIABLES["webhook_asks"]


def test_every_maker_of_pods_is_asked_about() -> None:
    for cls in MAKERS.values():
        assert re.search(rf"\b{cls.INFO.plural}\b", TEMPLATE), cls
        assert f"apiGroups: [{cls.INFO.api_version.partition('/')[0]}]" in TEMPLATE
