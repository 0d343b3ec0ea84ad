"""OVSDB: replicas, rows and their owners, plans and fenced transactions."""
