"""Kinds and their objects go from a real API server, also those whose finalizers nobody fulfils any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.kubernetes import KubeSandbox, find_programs
from tests.support.ovn import ROOT
from tests.support.play import Play, play

KINDS = [
    yaml.safe_load((ROOT / f"roles/crds/files/{name}.kubeovn.io.yaml").read_text()) for name in ("subnets", "vpcs")
]
"""As many as the test needs: the role reads each with a task of its own."""
SUBNET = {
    "apiVersion": "kubeovn.io/v1",
    "kind": "Subnet",
    "metadata": {"name": "held", "finalizers": ["kubeovn.io/kube-ovn-controller"]},
    "spec": {"cidrBlock": "10.20.0.0/24", "protocol": "IPv4"},
}
FOREIGN = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}


@pytest.fixture(scope="module")
def own() -> Iterator[KubeSandbox]:
    """An API server of this module's own: what it loses, other tests need."""
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.apply(*KINDS, FOREIGN)
        sandbox.kubectl("apply", "--filename", str(ROOT / "roles/controller/files/rbac.yaml"))
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield sandbox


def removed(kube: KubeSandbox, folder: Path, *arguments: str) -> Play:
    path = folder / "remove.yml"
    tasks = [{"ansible.builtin.import_role": {"name": "weft.ovn.controller", "tasks_from": "kubernetes_remove"}}]
    given = {
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "controller_kubernetes_admin_kubeconfig": str(kube.kubeconfig()),
    }
    head = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": given}
    path.write_text(json.dumps([{**head, "tasks": tasks}]))
    return play(path, "--inventory=localhost,", *arguments, variables={"controller_kinds": KINDS}).succeeded()


def test_the_kinds_go_with_all_their_objects(own: KubeSandbox, tmp_path: Path) -> None:
    own.apply(SUBNET)
    seen = removed(own, tmp_path, "--check")
    assert seen.changed["localhost"] > 0
    assert "held" in own.kubectl("get", "subnets.kubeovn.io", "--output=name")
    removed(own, tmp_path)
    assert own.kubectl("get", "crd", "--output=name").split() == [
        "customresourcedefinition.apiextensions.k8s.io/things.example.org"
    ]
    assert "weft-controller" not in own.kubectl("get", "clusterrole,clusterrolebinding", "--output=name")
    assert removed(own, tmp_path).changed == {"localhost": 0}
