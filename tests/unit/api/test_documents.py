"""From texts to objects: each document stands alone, and every problem says where it is."""

from __future__ import annotations

import textwrap

import pytest

from weft.api.documents import load_documents, parse_document
from weft.api.fields import NAME_PATTERN, NAMESPACE_PATTERN, PATTERNS
from weft.api.kinds import KINDS, find_kind
from weft.api.problem import InvalidError, Problem

NAME = PATTERNS[NAME_PATTERN]
LABEL = PATTERNS[NAMESPACE_PATTERN]
ALLOWED = f"allowed: {', '.join(KINDS)}"


def _load(text: str) -> tuple[list[str], list[str]]:
    """`ref@source` of what is good, and the texts of what is not."""
    loaded = load_documents(textwrap.dedent(text), "net.yml")
    return [f"{d.resource.ref}@{d.source}" for d in loaded.documents], list(map(str, loaded.problems))


def _vpc(name: str) -> str:
    return f"apiVersion: kubeovn.io/v1\nkind: Vpc\nmetadata: {{name: {name}}}\n"


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("# a comment\n---\n\n---\n  # another\n", [], id="comments only"),
        pytest.param(_vpc("a"), ["Vpc/a@net.yml:1"], id="one"),
        pytest.param("---\n" + _vpc("a"), ["Vpc/a@net.yml:2"], id="marker first"),
        pytest.param("\n\n\n" + _vpc("a"), ["Vpc/a@net.yml:4"], id="empty lines first"),
        pytest.param("---\n\n\n" + _vpc("a"), ["Vpc/a@net.yml:4"], id="empty lines after the marker"),
        pytest.param(_vpc("a") + "---\n" + _vpc("b"), ["Vpc/a@net.yml:1", "Vpc/b@net.yml:5"], id="two"),
        pytest.param(
            _vpc("a") + "--- # b\n" + _vpc("b"), ["Vpc/a@net.yml:1", "Vpc/b@net.yml:4"], id="comment on marker"
        ),
        pytest.param(
            (_vpc("a") + "---\n" + _vpc("b")).replace("\n", "\r\n"), ["Vpc/a@net.yml:1", "Vpc/b@net.yml:5"], id="CRLF"
        ),
        pytest.param(
            "--- {apiVersion: kubeovn.io/v1, kind: Vpc, metadata: {name: a}}\n",
            ["Vpc/a@net.yml:1"],
            id="on the marker's line",
        ),
        pytest.param(_vpc("a") + "---not-a-marker: 1\n", [], id="three dashes and more are no marker"),
    ],
)
def test_documents_and_their_lines(text: str, documents: list[str]) -> None:
    assert _load(text)[0] == documents


def test_a_list_is_unfolded() -> None:
    text = """\
        apiVersion: v1
        kind: List
        items:
          - {apiVersion: kubeovn.io/v1, kind: Vpc, metadata: {name: a}}
          - {apiVersion: v1, kind: Namespace, metadata: {name: ns1}}
          - nonsense
        """
    assert _load(text) == (
        ["Vpc/a@net.yml:1", "Namespace/ns1@net.yml:1"],
        ["net.yml:1: a document is a mapping, not str"],
    )


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        pytest.param("kind: [\n", "net.yml:6: not YAML: did not find expected node content", id="open bracket"),
        pytest.param("\tkind: Vpc\n", "net.yml:5: not YAML: found character that cannot start any token", id="tab"),
        pytest.param(
            "a: 1\nb: [}\n",
            "net.yml:6: not YAML: did not find expected node content",
            id="the line of the error itself",
        ),
        pytest.param("when: 2001-99-99\n", "net.yml:5: not YAML: month must be in 1..12", id="impossible date"),
        pytest.param("- 1\n", "net.yml:5: a document is a mapping, not list", id="a list"),
        pytest.param("hello\n", "net.yml:5: a document is a mapping, not str", id="a text"),
        pytest.param("null\n", "net.yml:5: a document is a mapping, not NoneType", id="null"),
        pytest.param("a: 1\n", f"net.yml:5: kind: None is not known; {ALLOWED}", id="no kind"),
        pytest.param("kind: Sbunet\n", f"net.yml:5: kind: 'Sbunet' is not known; {ALLOWED}", id="unknown kind"),
        pytest.param("kind: [Vpc]\n", f"net.yml:5: kind: ['Vpc'] is not known; {ALLOWED}", id="kind of a wrong type"),
        pytest.param(
            "kind: Vpc\n", "net.yml:5: Vpc: apiVersion: None is not served; allowed: kubeovn.io/v1", id="no version"
        ),
        pytest.param(
            "kind: Pod\napiVersion: v2\n",
            "net.yml:5: Pod: apiVersion: 'v2' is not served; allowed: v1",
            id="wrong version",
        ),
        pytest.param(
            "kind: Vpc\napiVersion: kubeovn.io/v1\n", "net.yml:5: Vpc/?: metadata: is required", id="no metadata"
        ),
    ],
)
def test_a_broken_document_among_good_ones(broken: str, problem: str) -> None:
    text = _vpc("a") + "---\n" + broken + "---\n" + _vpc("z")
    documents, problems = _load(text)
    assert [document.partition("@")[0] for document in documents] == ["Vpc/a", "Vpc/z"]
    assert problems == [problem]


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = """\
        apiVersion: kubeovn.io/v1
        kind: Subnet
        metadata: {name: Blue}
        spec:
          cidrBlock: [10.0.0.0/24]
          mtu: 70000
          gatway: 10.0.0.1
        """
    assert _load(text)[1] == [
        f"net.yml:1: Subnet/Blue: metadata.name: 'Blue' is not {NAME}",
        "net.yml:1: Subnet/Blue: spec.cidrBlock: Input should be a valid string",
        "net.yml:1: Subnet/Blue: spec.mtu: 70000: Input should be less than or equal to 65535",
        "net.yml:1: Subnet/Blue: spec.gatway: no such field",
    ]


@pytest.mark.parametrize(
    ("kind", "metadata", "ref"),
    [
        pytest.param("Pod", {"name": "web"}, "Pod/default/web", id="default namespace"),
        pytest.param("Pod", {"name": "web", "namespace": ""}, "Pod/default/web", id="empty namespace"),
        pytest.param("Pod", {"name": "web", "namespace": "ns1"}, "Pod/ns1/web", id="given namespace"),
        pytest.param("Namespace", {"name": "ns1"}, "Namespace/ns1", id="not namespaced"),
    ],
)
def test_namespaces(kind: str, metadata: dict[str, str], ref: str) -> None:
    assert parse_document({"apiVersion": "v1", "kind": kind, "metadata": metadata}).ref == ref


@pytest.mark.parametrize(
    ("kind", "metadata", "problem"),
    [
        ("Namespace", {"name": "a", "namespace": "b"}, "Namespace/a: metadata.namespace: Namespace is not namespaced"),
        (
            "Pod",
            {"name": "a", "namespace": "b/c"},
            f"Pod/b/c/a: metadata.namespace: 'b/c' is not {LABEL}",
        ),
        (
            "Pod",
            {"name": "a", "namespace": "b.c"},
            f"Pod/b.c/a: metadata.namespace: 'b.c' is not {LABEL}",
        ),
        (
            "Pod",
            {"name": "a", "labels": {"x": 1}},
            "Pod/default/a: metadata.labels.x: 1: Input should be a valid string",
        ),
        ("Pod", {}, "Pod/default/?: metadata.name: is required"),
        ("Pod", 3, "Pod/?: metadata: 3: Input should be a valid dictionary or instance of Metadata"),
    ],
)
def test_metadata_refused(kind: str, metadata: object, problem: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_document({"apiVersion": "v1", "kind": kind, "metadata": metadata})
    assert str(caught.value).replace("Pod//?", "Pod/?") == problem


def test_fields_are_known_by_the_names_of_documents_only() -> None:
    document = {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": "a"},
        "spec": {"cidr_block": "10.0.0.0/8"},
    }
    with pytest.raises(InvalidError) as caught:
        parse_document(document)
    assert [str(p) for p in caught.value.problems] == [
        "Subnet/a: spec.cidr_block: no such field",
    ]


def test_status_of_a_document_is_nobodys_input() -> None:
    document = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "a"}, "status": {"anything": [1]}}
    assert parse_document(document, uid="u", generation=7) == parse_document(
        {key: value for key, value in document.items() if key != "status"}, uid="u", generation=7
    )


@pytest.mark.parametrize("cls", KINDS.values(), ids=list(KINDS))
def test_a_kind_is_found_by_all_its_names_in_any_case(cls: type) -> None:
    info = cls.INFO  # type: ignore[attr-defined]
    for word in (info.kind, info.kind.upper(), info.plural, *info.short_names):
        assert find_kind(word) is cls


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(InvalidError, match=f"kind: 'router' is not known; {ALLOWED}"):
        find_kind("router")


def test_no_two_kinds_share_a_word() -> None:
    words = [word for cls in KINDS.values() for word in {cls.INFO.kind.lower(), cls.INFO.plural, *cls.INFO.short_names}]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("Subnet/a", "spec.mtu", "bad", "f.yml:3"), "f.yml:3: Subnet/a: spec.mtu: bad"),
        (Problem("Subnet/a", "", "bad"), "Subnet/a: bad"),
        (Problem("", "", "bad", "f.yml:3"), "f.yml:3: bad"),
    ],
)
def test_problems_read_from_the_file_to_the_reason(problem: Problem, text: str) -> None:
    assert str(problem) == text
