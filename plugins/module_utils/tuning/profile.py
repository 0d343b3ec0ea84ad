# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The profile of tuned: governors, scheduler, memory, disks of a host, as its distribution keeps them together.

tuned itself keeps the profile and makes it again at each boot. Several names, with spaces between them, are merged by
it, the last first. A profile may give kernel arguments: tuned then has a variable of GRUB's for them, which is in
GRUB's configuration only when that is made anew.
"""

from __future__ import annotations

import configparser
import contextlib
import re

from . import boot

PROGRAM = "/usr/sbin/tuned-adm"
DIRECTORIES = ("/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned")
"""Where a profile is looked for, the first first: older versions have no `profiles`."""
ACTIVE, MODE, BOOT = "/etc/tuned/active_profile", "/etc/tuned/profile_mode", "/etc/tuned/bootcmdline"
RECOMMENDED = "recommended"
"""Not a name: tuned chooses."""
LABEL = "profile of tuned"


def problems(host, wish, arguments):
    """`arguments` are the kernel's, as asked for elsewhere."""
    if not wish or _nothing_to_do(host, wish):
        return []
    if not host.exists(PROGRAM):
        return ["profile is %s, and tuned is not installed (no %s)" % (wish, PROGRAM)]
    if absent := [name for name in _names(wish) if _text(host, name) is None]:
        return ["profile: tuned has no %s; it has %s" % (", ".join(absent), ", ".join(known(host)) or "none")]
    twice = sorted(argument_names(host, wish) & set(map(boot.name_of, arguments)))
    return ["profile: %s gives the kernel %s, which other options ask for too" % (wish, ", ".join(twice))] * bool(twice)


def known(host):
    """Names of all profiles."""
    names = {name for directory in DIRECTORIES for name in host.names(directory)}
    return sorted(name for name in names if _text(host, name) is not None)


def argument_names(host, wish):
    """Names of kernel arguments that the profiles, and those that they include, give."""
    lines = [value for name in _names(wish) for value in _of_boot(host, name, set())]
    # Values may have variables of tuned's in them; names stand in plain text.
    return {name for line in lines for name in re.findall(r"(?:^|(?<=\s))[+-]?([A-Za-z_][\w.]*)(?==|\s|$)", line)}


def difference(host, wish):
    if not wish or _nothing_to_do(host, wish):
        return {}
    automatic = host.read(MODE) != "manual"
    now = host.read(ACTIVE) or None
    if wish == RECOMMENDED:
        return {} if automatic else {LABEL: (now, RECOMMENDED)}
    same = not automatic and now is not None and now.split() == wish.split()
    return {} if same else {LABEL: (RECOMMENDED if automatic else now, wish)}


def apply(host, wish):
    if not difference(host, wish):
        return
    before = host.read(BOOT)
    if wish == RECOMMENDED:
        host.run("tuned-adm", "auto_profile")
    else:
        host.run("tuned-adm", "profile", *wish.split())
    if host.read(BOOT) != before and host.exists(boot.CONFIGURATION):
        boot.configure(host)


def _names(wish):
    return [] if not wish or wish == RECOMMENDED else wish.split()


def _nothing_to_do(host, wish):
    """Without tuned no profile is in force."""
    return wish == RECOMMENDED and not host.exists(PROGRAM)


def _text(host, name):
    texts = (host.read("%s/%s/tuned.conf" % (directory, name)) for directory in DIRECTORIES)
    return next((text for text in texts if text is not None), None)


def _of_boot(host, name, seen):
    """Command lines for the kernel, of a profile and of those that it includes."""
    if name in seen:
        return []
    seen.add(name)
    settings = _settings(_text(host, name) or "")
    arguments = settings["bootloader"] if settings.has_section("bootloader") else {}
    lines = [value for key, value in arguments.items() if key.startswith("cmdline")]
    include = settings.get("main", "include", fallback="")
    included = [word.lstrip("?-") for word in include.replace(",", " ").split()]
    return lines + [line for other in included for line in _of_boot(host, other, seen)]


def _settings(text):
    """The sections of a profile, by the rules of tuned's own reader. Of what it cannot read tuned complains itself."""
    parser = configparser.ConfigParser(
        delimiters=("=",), inline_comment_prefixes=("#",), strict=False, interpolation=None, default_section=None
    )
    parser.optionxform = str
    with contextlib.suppress(configparser.Error):
        parser.read_string(text)
    return parser
