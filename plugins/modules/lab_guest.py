#!/usr/bin/python
# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A virtual machine of the lab: one QEMU process, known by its directory.

What the machine is made of is given whole, as QEMU's arguments. The directory holds the disk (a layer over an image
that all machines share), the process's number and the console. A process is ours only if its command line names this
directory's file of process numbers: nothing else is ever ended, whatever a stale file says.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_guest
short_description: Run a virtual machine of the lab
version_added: 0.2.0
description:
  - Starts a QEMU process in a network namespace, or ends it.
  - A machine that runs is left alone; other arguments take effect when it is next started.
author:
  - The Weft authors (@weft)
options:
  directory:
    description: Where the machine's disk, console and process number are.
    type: path
    required: true
  state:
    description:
      - V(absent) ends the process at once and removes the directory. Nothing in a lab's machine is worth an orderly
        halt.
    type: str
    choices: [started, absent]
    default: started
  namespace:
    description: Network namespace that holds the machine's tap devices. Required when O(state=started).
    type: str
  emulator:
    description: QEMU's program, beside which C(qemu-img) is. Required when O(state=started).
    type: path
  image:
    description: Disk that the machine's own starts as, and is never written. Required when O(state=started).
    type: path
  arguments:
    description: All arguments of QEMU but those for the disk, the process number, the console and the monitor.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - weft.ovn.attributes
attributes:
  check_mode:
    description: Tells whether it would start or end the machine.
    support: full
  diff_mode:
    description: Shows whether the machine runs.
    support: full
"""

EXAMPLES = r"""
- name: Run a machine
  weft.ovn.lab_guest:
    directory: /root/.cache/weft/labs/metal/metal1
    namespace: weft-lab-metal
    emulator: /usr/bin/qemu-system-x86_64
    image: /root/.cache/weft/lab/guest/disk.raw
    arguments: [-machine, q35, -m, "1024"]
"""

RETURN = r"""
pid:
  description: Number of QEMU's process.
  returned: when it runs
  type: int
"""

import os
import shutil
import signal
import time

from ansible.module_utils.basic import AnsibleModule

GRACE = 10


def is_machine(command_line, pid_file):
    """Whether a process's command line (as in /proc) is that of the machine that keeps its number in PID_FILE."""
    words = command_line.split(b"\0")
    return any(pair == (b"-pidfile", pid_file.encode()) for pair in zip(words, words[1:]))


class Guest:
    """One machine, as its directory and /proc tell of it."""

    def __init__(self, module):
        self.module = module
        self.directory = module.params["directory"]
        self.pid_file = os.path.join(self.directory, "pid")

    def pid(self):
        """Number of the machine's process; None when it does not run."""
        try:
            with open(self.pid_file) as file:
                number = int(file.read())
            with open("/proc/%d/cmdline" % number, "rb") as file:
                return number if is_machine(file.read(), self.pid_file) else None
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None

    def start(self):
        params = self.module.params
        disk = os.path.join(self.directory, "disk.qcow2")
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        if not os.path.exists(disk):
            tool = os.path.join(os.path.dirname(params["emulator"]), "qemu-img")
            create = [tool, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", params["image"], disk]
            self.module.run_command(create, check_rc=True)
        own = [
            *("-drive", "file=%s,if=none,id=disk,cache=unsafe,discard=unmap" % disk),
            *("-serial", "file:%s/console.log" % self.directory),
            *("-monitor", "unix:%s/monitor,server,nowait" % self.directory),
            *("-pidfile", self.pid_file, "-daemonize"),
        ]
        command = ["ip", "netns", "exec", params["namespace"], "nice", params["emulator"], *own, *params["arguments"]]
        self.module.run_command(command, check_rc=True)

    def end(self, pid):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + GRACE
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.05)


def main():
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["started", "absent"], "default": "started"},
            "namespace": {"type": "str"},
            "emulator": {"type": "path"},
            "image": {"type": "path"},
            "arguments": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "started", ("namespace", "emulator", "image"))],
        supports_check_mode=True,
    )
    guest = Guest(module)
    pid = guest.pid()
    wanted = module.params["state"] == "started"
    changed = pid is None if wanted else pid is not None or os.path.exists(guest.directory)
    if changed and not module.check_mode:
        if wanted:
            guest.start()
        else:
            if pid:
                guest.end(pid)
            shutil.rmtree(guest.directory, ignore_errors=True)
    words = {True: "runs\n", False: "does not run\n"}
    result = {"changed": changed, "diff": {"before": words[pid is not None], "after": words[wanted]}}
    running = guest.pid()
    if running:
        result["pid"] = running
    module.exit_json(**result)


if __name__ == "__main__":
    main()
