"""What is judged of a request, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.topology.build import namespace, pod, reservation, subnet, vpc
from weft.topology.view import View
from weft.webhook.review import judge

Json = dict[str, Any]
OVERLAP = "Subnet/x: spec.cidrBlock: 10.16.1.0/24 overlaps 10.16.0.0/16 of Subnet/ovn-default in Vpc/ovn-cluster"
GATEWAY = "[ovn.kubernetes.io/ip_address]: 10.16.0.1 is the gateway of Subnet/ovn-default"
SUBNET = {"group": "kubeovn.io", "version": "v1", "kind": "Subnet"}
POD = {"group": "", "version": "v1", "kind": "Pod"}
DEPLOYMENT = {"group": "apps", "version": "v1", "kind": "Deployment"}


@pytest.fixture(scope="module")
def view() -> View:
    view = View()
    for item in (
        vpc("ovn-cluster"),
        namespace("ns1"),
        subnet("join", "100.64.0.0/16"),
        subnet("ovn-default", "10.16.0.0/16", default=True),
        subnet("used", "10.17.0.0/16"),
        pod("web"),
        reservation("web.ns1", "used", "10.17.0.9", pod="web", ns="ns1"),
    ):
        view.put(item)
    return view


def _subnet(cidr: str = "10.16.1.0/24", name: str = "x", **metadata: Any) -> Json:
    return {"metadata": {"name": name, "uid": "1", **metadata}, "spec": {"cidrBlock": cidr}}


def _pod(name: str = "x", address: str = "10.16.0.1", spec: Json | None = None, **annotations: str) -> Json:
    given = {"ovn.kubernetes.io/ip_address": address, **annotations}
    return {"metadata": {"name": name, "namespace": "ns1", "annotations": given}, "spec": spec or {}}


def _deployment(replicas: int = 1, address: str = "10.16.0.1", **spec: Any) -> Json:
    template = {"metadata": {"annotations": {"ovn.kubernetes.io/ip_address": address}}, "spec": spec}
    return {"metadata": {"name": "x", "namespace": "ns1"}, "spec": {"replicas": replicas, "template": template}}


def ask(kind: Json, new: Json | None, old: Json | None = None, operation: str = "", **more: Any) -> Json:
    operation = operation or ("DELETE" if new is None else "CREATE" if old is None else "UPDATE")
    return {"kind": kind, "operation": operation, "object": new, "oldObject": old, **more}


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        pytest.param(ask(SUBNET, _subnet()), [OVERLAP], id="made"),
        pytest.param(ask(SUBNET, _subnet("10.18.0.0/24")), [], id="made, and well"),
        pytest.param(ask(SUBNET, _subnet(), _subnet("10.18.0.0/24")), [OVERLAP], id="changed"),
        pytest.param(ask(SUBNET, _subnet(labels={"a": "b"}), _subnet()), [], id="as broken as before"),
        pytest.param(ask(SUBNET, _subnet("10.16"), _subnet("10.16")), [], id="as unreadable as before"),
        pytest.param(
            ask(SUBNET, _subnet("10.16"), _subnet()),
            ["Subnet/x: spec.cidrBlock: '10.16' does not appear to be an IPv4 or IPv6 network"],
            id="made unreadable",
        ),
        pytest.param(ask(SUBNET, _subnet(), _subnet("10.16")), [OVERLAP], id="made readable, and broken"),
        pytest.param(ask(SUBNET, _subnet(deletionTimestamp="now"), _subnet("10.18.0.0/24")), [], id="on its way out"),
        pytest.param(
            ask(SUBNET, None, _subnet("10.17.0.0/16", "used")),
            ["Subnet/used: is in use by 1 addresses: web.ns1"],
            id="deleted",
        ),
        pytest.param(
            ask(SUBNET, None, _subnet("10.17.0.0/16", "used", deletionTimestamp="now")), [], id="deleted once more"
        ),
        pytest.param(ask(SUBNET, None, _subnet("10.16", "used")), [], id="deleted, and unreadable"),
        pytest.param(ask(SUBNET, None, _subnet()), [], id="deleted, nobody uses it"),
        pytest.param(ask(SUBNET, None), [], id="deleted, and gone already"),
        pytest.param(ask({**SUBNET, "version": "v2"}, _subnet()), [], id="of another version"),
        pytest.param(ask({**SUBNET, "group": "example.org"}, _subnet()), [], id="of another group"),
        pytest.param(ask({**SUBNET, "kind": "Gadget"}, _subnet()), [], id="of a kind that nobody knows"),
        pytest.param(ask(POD, _pod()), [f"Pod/ns1/x: metadata.annotations{GATEWAY}"], id="a pod"),
        pytest.param(ask(POD, _pod(), _pod(address="")), [f"Pod/ns1/x: metadata.annotations{GATEWAY}"], id="its wish"),
        pytest.param(ask(POD, _pod(other="b"), _pod(other="a")), [], id="another annotation of it"),
        pytest.param(
            ask(POD, _pod(**{"ovn.kubernetes.io/allocated": "true"})), [], id="what the controller wrote on it"
        ),
        pytest.param(ask(POD, _pod(spec={"hostNetwork": True})), [], id="a pod in its host's network"),
        pytest.param(ask(POD, None, _pod("web")), [], id="a deleted pod"),
        pytest.param(
            ask({**POD, "kind": "Namespace"}, None, {"metadata": {"name": "ns1"}}), [], id="a namespace with all in it"
        ),
        pytest.param(
            ask(DEPLOYMENT, _deployment()),
            [f"Deployment/ns1/x: spec.template.metadata.annotations{GATEWAY}"],
            id="a template",
        ),
        pytest.param(ask(DEPLOYMENT, _deployment(2), _deployment(1)), [], id="more of the same"),
        pytest.param(ask(DEPLOYMENT, _deployment(hostNetwork=True)), [], id="a template in its host's network"),
    ],
)
def test_what_is_judged(view: View, request_: Json, says: list[str]) -> None:
    assert [str(problem) for problem in judge(view, request_)] == says


def test_a_name_and_a_namespace_may_be_in_the_request_alone(view: View) -> None:
    document = _pod()
    del document["metadata"]["name"], document["metadata"]["namespace"]
    document["metadata"]["generateName"] = "some-"
    (problem,) = judge(view, ask(POD, document, namespace="ns1"))
    assert problem.object == "Pod/ns1/some-x"


def test_the_request_stays_as_it_was(view: View) -> None:
    request = ask(POD, _pod(), namespace="ns1")
    judge(view, request)
    assert request == ask(POD, _pod(), namespace="ns1")
