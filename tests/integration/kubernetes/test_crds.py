"""The definitions of all kinds, in a real API server: it takes them, and with them judges documents as we do."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.examples import OURS, Absent, changed, example
from tests.support.kubernetes import ADMIN, KubeSandbox
from tests.support.ovn import ROOT
from tests.support.play import play
from tests.support.wrong import WRONG, Wrong
from weft.api.documents import parse_document
from weft.api.kinds import KINDS

ROWS = [pytest.param(kind, wrong, id=f"{kind} {wrong}") for kind, rows in WRONG.items() for wrong in rows]


@dataclass(frozen=True)
class Answer:
    """What the API server said of one document."""

    code: int
    body: dict[str, Any]
    warnings: str

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Api:
    """Sends documents as they are: kubectl would look at them first, and take a tenth of a second for each."""

    def __init__(self, kube: KubeSandbox) -> None:
        self._kube = kube
        self._context = ssl.create_default_context(cafile=str(kube.ca_cert))

    def create(self, document: dict[str, Any], dry_run: bool = True) -> Answer:
        return self._send("POST", self._path(document["kind"]), document, dry_run)

    def replace(self, document: dict[str, Any]) -> Answer:
        return self._send("PUT", f"{self._path(document['kind'])}/{document['metadata']['name']}", document, True)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        return self._send("GET", f"{self._path(kind)}/{name}", None, False).body

    @staticmethod
    def _path(kind: str) -> str:
        info = KINDS[kind].INFO
        return f"/apis/{info.api_version}{'/namespaces/default' if info.namespaced else ''}/{info.plural}"

    def _send(self, method: str, path: str, document: dict[str, Any] | None, dry_run: bool) -> Answer:
        options = "?fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        request = urllib.request.Request(
            f"{self._kube.url}{path}{options}",
            None if document is None else json.dumps(document).encode(),
            {"Authorization": f"Bearer {self._kube.tokens[ADMIN]}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20, context=self._context) as answer:
                return Answer(answer.status, json.load(answer), answer.headers.get("Warning", ""))
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, json.load(refusal), refusal.headers.get("Warning", ""))


@pytest.fixture(scope="module")
def playbook(kube: KubeSandbox) -> Path:
    path = kube.folder / "crds.yml"
    role = {"role": "weft.ovn.crds", "crds_kubeconfig": str(kube.kubeconfig())}
    here = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    path.write_text(json.dumps([{**here, "vars": variables, "roles": [role]}]))
    return path


@pytest.fixture(scope="module")
def api(kube: KubeSandbox, playbook: Path) -> Api:
    """The API with all kinds, put there by the role."""
    play(playbook, "--inventory=localhost,").succeeded()
    return Api(kube)


def _definitions(kube: KubeSandbox) -> dict[str, Any]:
    found = json.loads(kube.kubectl("get", "customresourcedefinitions", "--output=json"))["items"]
    return {item["spec"]["names"]["kind"]: item for item in found if item["spec"]["group"] == "kubeovn.io"}


@pytest.mark.usefixtures("api")
def test_the_role_changes_nothing_the_second_time(playbook: Path) -> None:
    assert play(playbook, "--inventory=localhost,").succeeded().changed == {"localhost": 0}
    assert play(playbook, "--inventory=localhost,", "--check").succeeded().changed == {"localhost": 0}


@pytest.mark.usefixtures("api")
def test_all_kinds_are_served(kube: KubeSandbox) -> None:
    definitions = _definitions(kube)
    assert definitions.keys() == set(OURS)
    for kind, definition in definitions.items():
        conditions = {item["type"]: item["status"] for item in definition["status"]["conditions"]}
        assert conditions.pop("Established") == "True", kind
        assert conditions.pop("NamesAccepted") == "True", kind
        assert "True" not in conditions.values(), (kind, conditions)


@pytest.mark.usefixtures("api")
def test_no_definition_earns_a_warning(kube: KubeSandbox) -> None:
    """Of a schema that is not structural, of a rule that costs too much or cannot work."""
    folder = ROOT / "roles/crds/files"
    said = kube.kubectl("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", f"--filename={folder}")
    assert said.count("serverside-applied") == len(OURS)


@pytest.mark.parametrize("kind", OURS)
def test_the_example_is_taken(api: Api, kind: str) -> None:
    answer = api.create(example(kind))
    assert (answer.code, answer.message, answer.warnings) == (201, "", "")


@pytest.mark.parametrize(("kind", "wrong"), ROWS)
def test_a_wrong_document_is_refused_by_both_or_only_by_us(api: Api, kind: str, wrong: Wrong) -> None:
    answer = api.create(changed(kind, wrong.path, wrong.value))
    if not wrong.server:
        assert (answer.code, answer.message) == (201, ""), "the API server refuses it: it needs no exception any more"
        return
    assert answer.code in (400, 422), answer
    blamed = [part for part in wrong.blamed.split(".") if not part.isdigit()]
    assert blamed[-1] in answer.message


@pytest.mark.parametrize("kind", OURS)
def test_an_unknown_field_is_refused(api: Api, kind: str) -> None:
    answer = api.create(changed(kind, "spec.bogus", 1))
    assert (answer.code, 'unknown field "spec.bogus"' in answer.message) == (400, True)


FIXED = [
    ("IP", "spec.subnet", "other"),
    ("IP", "spec.subnet", Absent),
    ("IP", "spec.ipAddress", "10.66.0.11"),
    ("Vip", "spec.subnet", "other"),
    ("IPPool", "spec.subnet", "other"),
    ("OvnEip", "spec.type", "lrp"),
    ("OvnEip", "spec.externalSubnet", "other"),
    ("IptablesEIP", "spec.externalSubnet", "other"),
    ("DNSNameResolver", "spec.name", "www.example.org."),
]


@pytest.mark.parametrize(("kind", "path", "value"), FIXED, ids=[f"{kind} {path}" for kind, path, _ in FIXED])
def test_what_cannot_be_changed_is_refused(api: Api, kind: str, path: str, value: Any) -> None:
    name = f"fixed-{FIXED.index((kind, path, value))}"
    old, new = example(kind), changed(kind, path, value)
    old["metadata"]["name"] = new["metadata"]["name"] = name
    if path == "spec.ipAddress":
        new["spec"] |= {"v6IpAddress": ""}
    stored = api.create(old, dry_run=False)
    assert stored.code == 201, stored.message
    new["metadata"]["resourceVersion"] = stored.body["metadata"]["resourceVersion"]
    answer = api.replace(new)
    assert answer.code == 422
    assert f"{path}: Invalid value" in answer.message
    assert "cannot be changed" in answer.message
    assert list(
        parse_document(changed(kind, path, value) | {"spec": new["spec"]}).changes(parse_document(example(kind)))
    )


def test_defaults_are_stored(api: Api) -> None:
    document = example("VpcEgressGateway")
    document["metadata"]["name"] = "defaults"
    for name in ("replicas", "trafficPolicy", "externalIPs"):
        del document["spec"][name]
    document["spec"]["policies"] = [{"subnets": ["subnet1"]}]
    api.create(document, dry_run=False)
    spec = api.get("VpcEgressGateway", "defaults")["spec"]
    assert (spec["replicas"], spec["trafficPolicy"], spec["podAntiAffinity"]) == (1, "Cluster", "Required")
    assert spec["bfd"] == {"enabled": True, "minRX": 1000, "minTX": 1000, "multiplier": 3}
    assert spec["policies"] == [{"snat": False, "subnets": ["subnet1"]}]


def test_null_is_as_if_the_field_were_absent(api: Api) -> None:
    document = changed("Subnet", "spec.mtu", None)
    document["metadata"]["name"] = "null"
    document["spec"]["private"] = None
    api.create(document, dry_run=False)
    spec = api.get("Subnet", "null")["spec"]
    assert "mtu" not in spec
    assert spec["private"] is False, "its default is stored"


@pytest.mark.usefixtures("api")
def test_kubectl_knows_short_names_columns_and_scale(kube: KubeSandbox) -> None:
    document = example("VpcEgressGateway")
    document["metadata"]["name"] = "scaled"
    del document["spec"]["externalIPs"]
    kube.apply(document)
    kube.kubectl("scale", "veg/scaled", "--replicas=3")
    heading, row = kube.kubectl("get", "veg", "scaled").splitlines()
    assert heading.split("  ")[0] == "NAME"
    assert heading.upper() == heading
    assert row.split()[:4] == ["scaled", "vpc1", "3", "true"]
    assert "Subnet of the VPC that it is in" in kube.kubectl("explain", "veg.spec.internalSubnet")
