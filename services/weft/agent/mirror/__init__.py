"""Copies of packets, for a device of the host and for collectors elsewhere: Open vSwitch's mirrors."""
