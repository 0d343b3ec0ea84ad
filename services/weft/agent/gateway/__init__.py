"""The host as the way out: how packets of subnets leave this host for networks beyond the fabric.

`plan` says what shall be, from rows alone; `template` makes nftables' language of it, `nftables` has it in the kernel;
`policy` is the routing by egress gateways, `kernel` the switches that forwarding needs; `duty` keeps all of them.
"""
