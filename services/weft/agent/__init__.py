"""The agent of a host: CNI server, Open vSwitch wiring, host link, kept namespaces, status."""
