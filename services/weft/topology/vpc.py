"""A VPC is a logical router of its own name."""

from __future__ import annotations

from weft.api.vpc import Vpc
from weft.topology.rows import LOGICAL_ROUTER, VENDOR, Ref, Row, Rows


def router_ref(vpc: str) -> Ref:
    """The logical router of a VPC."""
    return Ref(LOGICAL_ROUTER, f"Vpc/{vpc}")


def compile_vpc(vpc: Vpc) -> Rows:
    """The router alone: what is on it belongs to others."""
    return Rows(
        northbound=(
            Row(LOGICAL_ROUTER, vpc.ref, {"name": vpc.name, "external_ids": {"vendor": VENDOR, "vpc": vpc.name}}),
        )
    )
