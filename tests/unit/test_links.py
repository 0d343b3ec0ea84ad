"""Links between pages, and from pages to files, lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.ovn import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("roles/*/README.md")])
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page(page: Path) -> None:
    targets = LINK.findall(CODE.sub("", page.read_text()))
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not broken
