"""Names of rows that must not be given twice, as Kube-OVN makes them."""

from __future__ import annotations


def router_port(vpc: str, other: str) -> str:
    """A VPC's port towards a subnet, or towards another VPC."""
    return f"{vpc}-{other}"


def switch_port(subnet: str, vpc: str) -> str:
    """A subnet's port towards its VPC."""
    return f"{subnet}-{vpc}"
