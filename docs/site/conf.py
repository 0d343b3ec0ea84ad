"""The documentation as a site: `make docs`. Pages are where they are in the repository; this only joins them."""

from __future__ import annotations

from typing import Any

from docutils import nodes

ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
project = "weft.ovn"
author = copyright = "The Weft authors"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser", "sphinx_antsibull_ext"]
root_doc = "docs/site/index"
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
# The repository is the source, so that links between pages are those that a reader of the repository follows.
include_patterns = ["docs/**.md", "roles/*/README.md", "README.md", "build/docs/rst/*.rst"]
exclude_patterns = [".ansible", ".git", ".venv", "build/docs/html", "build/[!d]*", "services", "tests"]
suppress_warnings = [
    "myst.xref_missing",  # links to files of the repository that are no pages; tests/unit/test_links.py follows them
    "toc.not_included",  # reached by links from other pages
]
myst_heading_anchors = 3
html_theme = "sphinx_ansible_theme"
html_title = "weft.ovn"
html_short_title = "weft.ovn"
html_show_sphinx = False
html_theme_options = {"documentation_home_url": "index.html", "topbar_links": {}, "vcs_pageview_mode": ""}
html_copy_source = False
html_use_smartypants = True


def ansibles_own(_app: Any, _env: Any, node: Any, text: Any) -> Any:
    """Link to a page of Ansible's own documentation; asking for its index would need the network."""
    target = node.get("reftarget", "")
    pages = {
        "common_return_values": "reference_appendices/common_return_values.html",
        "ansible_configuration_settings": "reference_appendices/config.html",
    }
    page = pages.get(target)
    if target.startswith("ansible_collections.ansible."):
        page = f"collections/{target.removeprefix('ansible_collections.').replace('.', '/')}.html"
    return None if page is None else nodes.reference("", "", text, refuri=f"{ANSIBLE}/{page}", internal=False)


def setup(app: Any) -> None:
    """Tell Sphinx of it."""
    app.connect("missing-reference", ansibles_own)
