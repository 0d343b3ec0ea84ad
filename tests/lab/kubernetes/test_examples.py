"""The networks of docs/examples where objects are in a Kubernetes API: the same lists, playbooks and packets."""

from __future__ import annotations

import pytest

from tests.lab.kubernetes.conftest import NAME, VARIABLES, KubeLab
from tests.lab.networks import Contract, Site

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def site(kube: KubeLab) -> Site:
    return Site(kube, "kubectl", f"weft-lab-{NAME}", VARIABLES)


class TestExamples(Contract):
    """What networks.py promises."""
