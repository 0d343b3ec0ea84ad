#!/usr/bin/python3 -IS
"""A plugin for the end of a list that needs what Cilium's generic-veth chaining needs of those before it.

It takes the host's and the pod's end from prevResult, looks whether they are the two ends of one veth pair, and passes
the result on. DEL asks for nothing.
"""

import json
import os
import subprocess
import sys


def ends(result):
    """(host's interface, pod's interface) of the result; the host's has no sandbox."""
    interfaces = result["interfaces"]
    inside = [item for item in interfaces if item.get("sandbox") == os.environ["CNI_NETNS"]]
    outside = [item for item in interfaces if not item.get("sandbox")]
    owner = {ip["interface"] for ip in result["ips"]}
    assert len(inside) == len(outside) == 1, interfaces
    assert owner == {interfaces.index(inside[0])}, result["ips"]
    return outside[0], inside[0]


def link(name, *enter):
    """What `ip` says of a link."""
    command = [*enter, "ip", "-j", "link", "show", "dev", name]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)[0]


def main():
    """Answer the command."""
    config = json.load(sys.stdin)
    if os.environ["CNI_COMMAND"] in ("DEL", "VERSION"):
        return
    result = config["prevResult"]
    outside, inside = ends(result)
    host = link(outside["name"])
    pod = link(inside["name"], "nsenter", f"--net={os.environ['CNI_NETNS']}")
    assert (host["link_index"], pod["link_index"]) == (pod["ifindex"], host["ifindex"]), (host, pod)
    assert (host["address"], pod["address"]) == (outside["mac"], inside["mac"])
    if os.environ["CNI_COMMAND"] == "ADD":
        print(json.dumps({**result, "cniVersion": config["cniVersion"]}))


main()
