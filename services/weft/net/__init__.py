"""Addresses: intervals, pools of one subnet, MAC addresses. Pure."""
