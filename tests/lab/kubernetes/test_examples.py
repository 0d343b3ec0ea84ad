"""The networks of docs/examples, with a Kubernetes API as their store."""

from __future__ import annotations

import pytest

from tests.lab.kubernetes.conftest import NAME, VARIABLES, KubeLab
from tests.lab.networks import Contract, Site


@pytest.fixture(scope="module")
def site(kube: KubeLab) -> Site:
    return Site(kube, "kubectl", f"weft-lab-{NAME}", VARIABLES)


class TestExamples(Contract):
    """What networks.py promises."""
