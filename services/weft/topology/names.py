"""Names of rows that must not be given twice, as Kube-OVN makes them."""

from __future__ import annotations


def router_port(vpc: str, other: str) -> str:
    """A VPC's port towards a subnet, or towards another VPC."""
    return f"{vpc}-{other}"


def switch_port(subnet: str, vpc: str) -> str:
    """A subnet's port towards its VPC. Where both have one name, Kube-OVN's would be the router port's too."""
    return f"{subnet}-{vpc}" if subnet != vpc else f"{subnet}-{vpc}-router"
