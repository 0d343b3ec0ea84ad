"""What a clustered server says, and who may leave."""

from __future__ import annotations

import pytest

from weft.ctl.central.databases import NORTHBOUND, address_of, control_of
from weft.ctl.central.raft import parse_cluster

STATUS = """c626
Name: OVN_Northbound
Cluster ID: 9a87 (9a872522-3e7d-47ca-83a3-d74333e1a7ca)
Server ID: c626 (c6262522-3e7d-47ca-83a3-d74333e1a7ca)
Address: ssl:192.0.2.1:6643
Status: cluster member
Role: leader
Term: 4
Leader: self
Vote: self

Election timer: 1000
Log: [2, 139]
Servers:
    c626 (c626 at ssl:192.0.2.1:6643) (self) next_index=2 match_index=138
    1142 (1142 at ssl:192.0.2.2:6643) next_index=139 match_index=138 last msg {second} ms ago
    654b (654b at ssl:[2001:db8::3]:6643) next_index=139 match_index=120{third}
"""


def test_a_status_is_read() -> None:
    cluster = parse_cluster(STATUS.format(second=345, third=" last msg 9000 ms ago"))
    assert (cluster.sid, cluster.role, cluster.term, cluster.election_timer) == ("c626", "leader", 4, 1000)
    assert cluster.cid == "9a87"
    assert [(s.sid, s.address, s.own, s.heard, s.match) for s in cluster.servers] == [
        ("c626", "ssl:192.0.2.1:6643", True, None, 138),
        ("1142", "ssl:192.0.2.2:6643", False, 345, 138),
        ("654b", "ssl:[2001:db8::3]:6643", False, 9000, 120),
    ]
    assert parse_cluster("").servers == ()


@pytest.mark.parametrize(
    ("leaving", "second", "third", "obstacle"),
    [
        ("654b", 345, " last msg 9000 ms ago", ""),
        ("654b", 345, "", ""),
        ("654b", 345, " last msg 10 ms ago", ""),
        ("c626", 345, " last msg 10 ms ago", "it leads"),
        ("1142", 345, " last msg 9000 ms ago", "of the 2 servers that stay 1 live, and 2 are needed"),
        ("654b", 9000, " last msg 10 ms ago", "of the 2 servers that stay 1 live, and 2 are needed"),
    ],
)
def test_who_may_leave(leaving: str, second: int, third: str, obstacle: str) -> None:
    cluster = parse_cluster(STATUS.format(second=second, third=third))
    server = cluster.find(leaving)
    assert server is not None
    said = cluster.obstacle(server)
    assert said.startswith(obstacle)
    assert bool(said) == bool(obstacle)


@pytest.mark.parametrize(
    ("remote", "address", "control"),
    [
        ("ssl:192.0.2.1:6641", "192.0.2.1", "/run/ovn/ovnnb_db.ctl"),
        ("tcp:[2001:db8::1]:6641", "2001:db8::1", "/run/ovn/ovnnb_db.ctl"),
        ("unix:/run/ovn/ovnnb_db.sock", "", "/run/ovn/ovnnb_db.ctl"),
        ("unix:/tmp/x/db.sock", "", "/tmp/x/db.ctl"),
    ],
)
def test_where_a_remote_is_and_who_is_asked(remote: str, address: str, control: str) -> None:
    assert (address_of(remote), control_of(remote, NORTHBOUND)) == (address, control)
