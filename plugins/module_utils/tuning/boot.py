# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kernel arguments by GRUB: a file of our own beside the distribution's, which takes over the names it is about.

GRUB's configuration is a shell script. The file filters what other files give for the same names, so that no argument
is there twice, and an operator's own comes back when ours goes.
"""

from __future__ import annotations

import itertools
import os
import re

from .host import TuningError

DIRECTORY = "/etc/default/grub.d"
DROP_IN = DIRECTORY + "/90-weft.cfg"
CONFIGURATION = "/boot/grub/grub.cfg"
ARGUMENT = re.compile(r"[A-Za-z0-9_.-]+(=[A-Za-z0-9_.,:;/+@%=-]+)?")

TEXT = """\
# Written by Ansible (weft.ovn.host_tuning). These names are given here and nowhere else.
weft_names=" {names} "
weft_others() {{
    for weft_word in $1; do
        case "$weft_names" in *" ${{weft_word%%=*}} "*) ;; *) printf '%s ' "$weft_word" ;; esac
    done
}}
GRUB_CMDLINE_LINUX="$(weft_others "$GRUB_CMDLINE_LINUX"){arguments}"
GRUB_CMDLINE_LINUX_DEFAULT="$(weft_others "$GRUB_CMDLINE_LINUX_DEFAULT")"
"""


def name_of(argument):
    return argument.partition("=")[0]


def problems(host, arguments, removed):
    found = [
        "kernel_arguments has %r, wanted is name or name=value without spaces and quotes" % text
        for text in [*arguments, *removed]
        if not ARGUMENT.fullmatch(text)
    ]
    names = {name_of(argument) for argument in arguments}
    found += [
        "%s is in kernel_arguments and in removed_kernel_arguments" % name for name in sorted(names & set(removed))
    ]
    if not host.exists(DIRECTORY) or not host.exists(CONFIGURATION):
        found.append("kernel_arguments need GRUB with %s and %s (Debian, Ubuntu)" % (DIRECTORY, CONFIGURATION))
    elif "BOOT_IMAGE=" not in (host.read("/proc/cmdline") or ""):
        found.append("kernel_arguments: GRUB did not start this kernel (/proc/cmdline has no BOOT_IMAGE)")
    return found


def content(arguments, removed):
    """The file's text; None when there is nothing to say."""
    names = list(dict.fromkeys([*map(name_of, arguments), *removed]))
    return TEXT.format(names=" ".join(names), arguments=" ".join(arguments)) if names else None


def difference(host, arguments, removed):
    before, after = host.read(DROP_IN), content(arguments, removed)
    if before == (after and after.strip()):
        return {}
    return {"kernel arguments": (_told(before), _told(after))}


def _told(text):
    """What a file of ours says, in short: the arguments, and the names that are taken out."""
    if text is None:
        return None
    names, arguments = (re.search(pattern, text)[1] for pattern in (r'weft_names=" (.*) "', r'LINUX"\)(.*)"'))
    given = set(map(name_of, arguments.split()))
    return " ".join([arguments, *("-" + name for name in names.split() if name not in given)]).strip()


def apply(host, arguments, removed):
    """Write the file and GRUB's configuration from it; when GRUB fails, the file is as it was."""
    if not difference(host, arguments, removed):
        return
    before = host.read(DROP_IN)
    _keep(host, content(arguments, removed))
    try:
        configure(host)
    except TuningError:
        _keep(host, before and before + "\n")
        raise


def configure(host):
    host.run("grub-mkconfig", "-o", host.path(CONFIGURATION))


def _keep(host, text):
    if text is not None:
        host.write(DROP_IN, text)
    elif host.exists(DROP_IN):
        os.unlink(host.path(DROP_IN))


def is_running(host):
    """Whether the kernel was started with arguments that GRUB would give it now."""
    running = [word for word in (host.read("/proc/cmdline") or "").split() if not word.startswith("BOOT_IMAGE=")]
    return running in _given(host.read(CONFIGURATION) or "")


def _given(text):
    """All lists of arguments that GRUB may give. It has variables in them, of tuned and of Ubuntu's console."""
    values = {}
    for name, value in re.findall(r"^\s*set (\w+)=(.*)$", text, re.MULTILINE):
        values.setdefault(name, []).append(value.strip().strip('"'))
    for line in text.splitlines():
        words = line.split()
        # `linux`, the kernel's file, its arguments.
        if words and words[0] == "linux":
            choices = [values.get(word[1:], [""]) if word.startswith("$") else [word] for word in words[2:]]
            yield from (" ".join(chosen).split() for chosen in itertools.product(*choices))
