"""The networks of docs/examples: on the usual lab, or on one with a Kubernetes API by `LAB=name KUBERNETES=1`."""

from __future__ import annotations

import os

import pytest

from tests.lab.conftest import LAB, SWITCH, Lab
from tests.lab.networks import Contract, Site

pytestmark = pytest.mark.lab
KUBERNETES = os.environ.get("KUBERNETES", "0")


@pytest.fixture(scope="module")
def site(lab: Lab) -> Site:
    return Site(lab, "weftctl" if KUBERNETES == "0" else "kubectl", SWITCH, {"LAB": LAB, "KUBERNETES": KUBERNETES})


class TestExamples(Contract):
    """What networks.py promises."""
