"""What a pod's interface is made of: one file for each `device_type` of a port.

    veth       a veth pair, one end in Open vSwitch
    vf         an SR-IOV virtual function in the pod, its representor in Open vSwitch
    vdpa       the same, the function being used through vDPA
    vhostuser  a socket of DPDK's vhost-user, for a machine or program in the pod
    vduse      a netdev of virtio's behind Open vSwitch with DPDK, by VDUSE

`wiring.py` joins a device with Open vSwitch and OVN and knows none of them by name. Devices block, and run on
netlink's threads.
"""
