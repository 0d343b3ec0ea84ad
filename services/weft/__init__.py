"""Weft: an OVN network fabric for Kubernetes, and for hosts without it."""

__version__ = "0.1.0"
