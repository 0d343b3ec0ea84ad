"""The networks of docs/examples, with the fabric's own store."""

from __future__ import annotations

import pytest

from tests.lab.conftest import LAB, SWITCH, Lab
from tests.lab.networks import Contract, Site

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def site(lab: Lab) -> Site:
    return Site(lab, "weftctl", SWITCH, {"LAB": LAB})


class TestExamples(Contract):
    """What networks.py promises."""
