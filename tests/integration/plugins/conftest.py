"""Modules import their utilities by the collection's name."""

from __future__ import annotations

from tests.support.collection import alias

alias()
