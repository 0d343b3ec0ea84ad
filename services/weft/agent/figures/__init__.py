"""Figures of Open vSwitch and of the host that others count, read when Prometheus asks and never kept.

A part is a function that yields samples of figures; it raises when it cannot know. `collector.py` joins them. Names and
labels are Kube-OVN's where Kube-OVN has the figure, and gauges also where something only grows, so that its dashboards
and rules carry over.
"""
