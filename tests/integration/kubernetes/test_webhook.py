"""The webhook between kubectl and a real API server: what it refuses, what passes, and what when it dies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.support.kubernetes import ADMIN, CONTROLLER, KubeSandbox, find_programs
from tests.support.ovn import ROOT
from tests.support.refused import REFUSED, ROWS, WORLD, Refused
from tests.support.webhook import WebhookProcess

CRDS = ROOT / "roles/crds/files"
CONTROLLER_RBAC = ROOT / "roles/controller/files/rbac.yaml"
FOREIGN = (
    {"group": "k8s.cni.cncf.io", "plural": "network-attachment-definitions", "kind": "NetworkAttachmentDefinition"},
    {"group": "kubevirt.io", "plural": "virtualmachines", "kind": "VirtualMachine"},
)
PREFIX = "ovn.kubernetes.io/"
Json = dict[str, Any]


def _foreign(group: str, plural: str, kind: str) -> Json:
    """A kind of others, of which nothing is known here but its name."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@pytest.fixture(scope="module")
def kube() -> Iterator[KubeSandbox]:
    """An API with the table's world in it, and nobody yet who judges."""
    if find_programs() is None:
        pytest.skip("no kube-apiserver, kubectl or etcd: run `make kube-tools`, or set KUBEBUILDER_ASSETS")
    with KubeSandbox() as sandbox:
        sandbox.kubectl("apply", "--server-side", "--filename", str(CRDS))
        sandbox.apply(*(_foreign(**kind) for kind in FOREIGN))
        sandbox.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        sandbox.kubectl("apply", "--server-side", "--filename", str(CONTROLLER_RBAC))
        sandbox.apply(*WORLD)
        yield sandbox


@pytest.fixture(scope="module")
def webhook(kube: KubeSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookProcess]:
    process = WebhookProcess(kube, tmp_path_factory.mktemp("webhook"))
    process.start()
    process.register()
    _until_asked(kube)
    yield process
    process.stop()


def _until_asked(kube: KubeSandbox) -> None:
    """The API server learns of a registration by a watch of its own."""
    end = time.monotonic() + 20
    while "denied the request" not in said(kube, REFUSED[0]):
        assert time.monotonic() < end, "the API server does not ask the webhook"
        time.sleep(0.1)


def said(kube: KubeSandbox, case: Refused, user: str = ADMIN) -> str:
    """What kubectl says of a row of the table; nothing is changed."""
    path = kube.folder / f"case-{REFUSED.index(case)}.json"
    path.write_text(json.dumps(case.document))
    verb = ("delete", "--wait=false") if case.deletes else ("apply",)
    return answer(kube, *verb, "--dry-run=server", f"--filename={path}", user=user)


def answer(kube: KubeSandbox, *arguments: str, user: str = ADMIN) -> str:
    """The words of a refusal; none when there is none."""
    try:
        kube.kubectl(*arguments, user=user)
    except RuntimeError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def answers(kube: KubeSandbox, webhook: WebhookProcess) -> dict[str, str]:
    """All rows, several at a time: a refusal takes half a second."""
    with ThreadPoolExecutor(6) as pool:
        return dict(zip((case.name for case in REFUSED), pool.map(lambda case: said(kube, case), REFUSED), strict=True))


@pytest.mark.parametrize("case", ROWS)
def test_it_is_refused_with_its_words(answers: dict[str, str], case: Refused) -> None:
    kind = case.document["kind"]
    api = case.document["apiVersion"]
    name = "kinds" if api == "kubeovn.io/v1" else "pods" if kind == "Pod" else "workloads"
    words = f'admission webhook "{name}.weft.kubeovn.io" denied the request: {"; ".join(case.says)}'
    assert words in answers[case.name].replace("\\'", "'"), answers[case.name]


def test_what_the_rules_allow_passes(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    """In one breath, as people write it: the pod is asked for when its subnet was made a moment ago."""
    documents = [
        namespace("fresh"),
        subnet("fresh", "10.80.0.0/24", namespaces=["fresh"]),
        pod("a", "fresh", logical_switch="fresh", ip_address="10.80.0.9"),
        pod("b", "fresh", ip_address="10.80.0.10"),
    ]
    kube.apply(*documents)
    assert webhook.reviews(kind="Pod", verdict="allowed") >= 2


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def subnet(name: str, cidr: str, **spec: Any) -> Json:
    return {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": name},
        "spec": {"cidrBlock": cidr, **spec},
    }


def pod(name: str, where: str, **wishes: str) -> Json:
    metadata = {
        "name": name,
        "namespace": where,
        "annotations": {PREFIX + key: value for key, value in wishes.items()},
    }
    spec = {"containers": [{"name": "c", "image": "registry.k8s.io/pause"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def create(kube: KubeSandbox, document: Json, user: str = ADMIN, *more: str) -> str:
    path = kube.folder / "new.yml"
    path.write_text(yaml.safe_dump(document))
    return answer(kube, "create", f"--filename={path}", *more, user=user)


def test_what_is_stored_and_broken_can_be_mended_marked_and_deleted(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    broken = subnet("broken", "10.66.1.0/24", vpc="red")
    assert "overlaps" in create(kube, broken)
    assert create(kube, broken, CONTROLLER) == "", "the controller is not judged"
    for patch in ('{"metadata":{"labels":{"a":"b"}}}', '{"metadata":{"finalizers":["example.org/x"]}}'):
        assert answer(kube, "patch", "subnet", "broken", "--type=merge", f"--patch={patch}") == ""
    status = '{"status":{"v4usingIPs":1}}'
    assert answer(kube, "patch", "subnet", "broken", "--type=merge", "--subresource=status", f"--patch={status}") == ""
    worse = '{"spec":{"cidrBlock":"10.66.2.0/24"}}'
    assert "overlaps" in answer(kube, "patch", "subnet", "broken", "--type=merge", f"--patch={worse}")
    assert answer(kube, "delete", "subnet", "broken", "--wait=false") == ""
    assert answer(kube, "patch", "subnet", "broken", "--type=merge", '--patch={"metadata":{"finalizers":null}}') == ""
    assert "NotFound" in answer(kube, "get", "subnet", "broken")


def test_a_dry_run_changes_nothing(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    dry = subnet("dry", "10.81.0.0/24")
    assert create(kube, dry, ADMIN, "--dry-run=server") == ""
    assert create(kube, {**dry, "metadata": {"name": "dry2"}}) == "", "what was only tried is in nobody's way"


def test_the_api_server_asks_no_more_than_it_must(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    kube.apply(namespace("quiet"))
    before = webhook.reviews()
    kube.apply(pod("plain", "quiet"), pod("system", "kube-system", ip_address="10.99.0.1"))
    kube.kubectl("label", "pod", "web", "--namespace=ns1", "a=b")
    kube.kubectl("annotate", "subnet", "blue", "a=b", user=ADMIN)
    kube.kubectl("create", "deployment", "plain", "--image=registry.k8s.io/pause", "--namespace=quiet")
    assert webhook.reviews() == before + 1, "the subnet's"
    assert webhook.reviews(verdict="failed") == 0


def test_a_pods_name_may_be_generated(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    document = pod("x", "ns1", ip_address="10.16.0.1")
    document["metadata"] |= {"generateName": "some-"}
    del document["metadata"]["name"]
    assert ": metadata.annotations[ovn.kubernetes.io/ip_address]: 10.16.0.1 is the gateway" in create(kube, document)


def test_its_own_pods_are_no_reason_against_a_deployment(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    template = {
        "metadata": {"labels": {"app": "shop"}, "annotations": {f"{PREFIX}ip_address": "10.16.0.20"}},
        "spec": {"containers": [{"name": "c", "image": "registry.k8s.io/pause"}]},
    }
    spec = {"selector": {"matchLabels": {"app": "shop"}}, "template": template}
    metadata = {"name": "shop", "namespace": "ns1"}
    assert create(kube, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}) == ""


def test_without_it_only_our_kinds_are_closed(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    webhook.stop()
    try:
        assert 'failed calling webhook "kinds.weft.kubeovn.io"' in create(kube, subnet("late", "10.82.0.0/24"))
        assert create(kube, subnet("late", "10.82.0.0/24"), CONTROLLER) == "", "the controller goes on"
        assert create(kube, pod("late", "ns1", ip_address="10.16.0.77")) == ""
        kube.kubectl("delete", "pod", "late", "--namespace=ns1", "--grace-period=0", "--force")
    finally:
        webhook.start()
    assert create(kube, subnet("later", "10.83.0.0/24")) == ""


def test_it_says_how_it_is(webhook: WebhookProcess) -> None:
    assert webhook.page("/healthz") == (200, "ok\n")
    page = webhook.page("/metrics")[1].splitlines()
    assert "weft_webhook_certificates_total 1.0" in page
    assert 'weft_webhook_objects{kind="IPPool"} 2.0' in page


def test_the_role_changes_nothing_the_second_time(kube: KubeSandbox, webhook: WebhookProcess) -> None:
    assert webhook.register().changed == {"localhost": 0}
    assert webhook.register("--check").changed == {"localhost": 0}
    assert webhook.register("--check", webhook_timeout_seconds=7).changed == {"localhost": 1}
    found = kube.kubectl("get", "validatingwebhookconfiguration", "weft", "--output=json")
    policies = {item["name"].partition(".")[0]: item["failurePolicy"] for item in json.loads(found)["webhooks"]}
    assert policies == {"kinds": "Fail", "pods": "Ignore", "workloads": "Ignore"}
    assert json.loads(found)["webhooks"][0]["timeoutSeconds"] == 5
