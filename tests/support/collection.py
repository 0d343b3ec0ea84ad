"""Modules import their utilities by the collection's name, which Ansible alone resolves; here the checkout has it."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

SERVICES = str(Path(__file__).parents[2] / "services")
PACKAGES = ("ansible_collections", "ansible_collections.weft", "ansible_collections.weft.ovn")


def alias() -> None:
    """Let `ansible_collections.weft.ovn` mean this checkout, and find its services, which ansible-test does not."""
    if SERVICES not in sys.path:
        sys.path.append(SERVICES)
    for name in PACKAGES:
        sys.modules.setdefault(name, types.ModuleType(name)).__path__ = []
    sys.modules["ansible_collections.weft.ovn.plugins"] = importlib.import_module("plugins")
    utilities = importlib.import_module("plugins.module_utils")
    sys.modules["ansible_collections.weft.ovn.plugins.module_utils"] = utilities
