# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change that undoes itself: systemd runs a script that puts the network back, unless somebody confirms in time.

The script and a confirmation race for one file, the token: whoever renames it has decided. A host that nobody reaches
any more needs nothing but its own timer.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time

from ansible_collections.weft.ovn.plugins.module_utils.tuning.host import TuningError

DIRECTORY = "/run/weft-network"
ARMED = DIRECTORY + "/armed"
SCRIPT = DIRECTORY + "/restore"
UNIT = "weft-network-restore"

HEAD = """\
#!/bin/sh
# Puts this host's network back as it was before Ansible (weft.ovn.host_network) changed it.
mv {armed} {directory}/restored || exit 0
"""


class ChangeError(Exception):
    """The network could not be made as described; the text is for the operator."""


def is_armed(host):
    return host.exists(ARMED)


def arm(host, lines, seconds):
    """From now on the host puts its network back, unless that is called off within so many seconds."""
    os.makedirs(host.path(DIRECTORY), mode=0o700, exist_ok=True)
    host.write(SCRIPT, HEAD.format(armed=host.path(ARMED), directory=host.path(DIRECTORY)) + "\n".join(lines) + "\n")
    # Of a change that was confirmed by hand.
    stop_timer(host)
    host.write(ARMED, "")
    timer = ["--unit=" + UNIT, "--on-active=%d" % seconds, "--timer-property=AccuracySec=100ms"]
    try:
        host.run("systemd-run", "--quiet", "--collect", *timer, "/bin/sh", host.path(SCRIPT))
    except TuningError:
        os.unlink(host.path(ARMED))
        raise


def confirm(host):
    """The change stays. ChangeError when the host has put its network back already."""
    try:
        os.rename(host.path(ARMED), host.path(DIRECTORY + "/confirmed"))
    except OSError as error:
        raise ChangeError(
            "nothing waits to be confirmed: the host has put its network back as it was (journalctl -u %s)" % UNIT
        ) from error
    stop_timer(host)


def restore(host):
    """Now, and not when the time is over."""
    subprocess.run(["/bin/sh", host.path(SCRIPT)], capture_output=True, check=False)
    stop_timer(host)


def stop_timer(host):
    # Once it has run, it is gone.
    with contextlib.suppress(TuningError):
        host.run("systemctl", "stop", UNIT + ".timer")


def carry_out(host, plan, seconds, remaining):
    """Change the network under a check-point that stays armed. `remaining` tells what is not as described yet."""
    if is_armed(host):
        raise ChangeError("another change waits to be confirmed, or to be put back")
    arm(host, plan.restoration(), seconds)
    try:
        _change(host, plan)
        _settle(remaining, seconds / 2)
    except (TuningError, ChangeError) as error:
        restore(host)
        raise ChangeError("%s. The network is as it was" % error) from error


def _change(host, plan):
    for path, (_old, new) in plan.files.items():
        if new is not None:
            os.makedirs(os.path.dirname(host.path(path)), exist_ok=True)
            host.write(path, new)
        elif host.exists(path):
            os.unlink(host.path(path))
    for words in plan.commands():
        host.run(*words)


def _settle(remaining, seconds):
    deadline = time.monotonic() + seconds
    left = remaining()
    while left and time.monotonic() < deadline:
        time.sleep(0.5)
        left = remaining()
    if left:
        parts = ["%s is %s, wished is %s" % (name, now, wished) for name, (now, wished) in sorted(left.items())]
        raise ChangeError("not as described after %d s: %s" % (seconds, "; ".join(parts)))
