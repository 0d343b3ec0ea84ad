"""docs/manual.md lists every document, and says of each what the reviewed texts say."""

from __future__ import annotations

from tests.manual.listing import PAGE, table, written
from tests.manual.world import FILES, FOLDER


def test_the_page_is_of_these_documents() -> None:
    assert written() == table(), f"{PAGE} is stale: run python -m tests.manual.listing"


def test_every_text_belongs_to_a_document() -> None:
    texts = {path.stem for path in FOLDER.glob("*.txt")} - {"3.1.1-new-fabric", "kubectl-get"}
    assert texts == {file.path.stem for file in FILES}


def test_what_is_given_is_there() -> None:
    assert [other.path.name for file in FILES for other in file.given if not other.path.exists()] == []
