"""Which tests run side by side in the two processes of `make test` (pytest-xdist).

Each file is a group that one process runs from end to end, with fixtures of its own. Tests that share a Kubernetes API
are one group; it is long, so it begins first. The lab's tests share hosts and break them: they are one group, and the
last, so that nothing beside them takes processors from the packets that they count.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# What is asserted outside of test files is explained as well.
pytest.register_assert_rewrite("tests.support", "tests.lab", "tests.metal")

KUBERNETES = "tests/integration/kubernetes/"
TOGETHER = (KUBERNETES, "tests/lab/")


def group(nodeid: str) -> str:
    """The group of a test."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


class Groups(LoadScopeScheduling):
    """Gives one group after the other to the process that is free, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    config.option.loadscopereorder = False
    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(KUBERNETES))
