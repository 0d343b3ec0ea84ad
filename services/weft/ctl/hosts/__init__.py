"""Hosts: where they are, and programs that are run there."""
