"""Rates, delay and loss of pods, by the kernel's queueing disciplines on both ends of a veth pair."""
