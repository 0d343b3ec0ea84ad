"""A VPC is a logical router of its own name, with its routes, its policies, and its links to other VPCs."""

from __future__ import annotations

from weft.api.vpc import Vpc
from weft.topology.peering import compile_peerings
from weft.topology.routes import Ways, compile_policies, compile_routes, implied_routes
from weft.topology.rows import LOGICAL_ROUTER, VENDOR, Ref, Row, Rows

NO_WAYS = Ways()


def router_ref(vpc: str) -> Ref:
    """The logical router of a VPC."""
    return Ref(LOGICAL_ROUTER, f"Vpc/{vpc}")


def compile_vpc(vpc: Vpc, left: Ways = NO_WAYS) -> Rows:
    """The router and what the VPC itself has on it; the ports of subnets are theirs."""
    router = Row(LOGICAL_ROUTER, vpc.ref, {"name": vpc.name, "external_ids": {"vendor": VENDOR, "vpc": vpc.name}})
    routes = (*compile_routes(vpc, router.ref), *implied_routes(vpc, router.ref, left))
    own = (*routes, *compile_policies(vpc, router.ref), *compile_peerings(vpc, router.ref))
    return Rows(northbound=(router, *own))
