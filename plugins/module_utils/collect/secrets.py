# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of text that leaves a host: by how they look, and by what they are called."""

from __future__ import annotations

import re

HIDDEN = "(hidden)"

_NAME = r"(?:password|passwd|passphrase|secret|token|psk|api[-_]?key|key[-_]data|private[-_]?key|credentials?)"
_VALUE = r"""(?:\\"(?:(?!\\").)*\\"|"(?:[^"\\]|\\.)*"|'[^'\n]*'|[^\s,;}\]"']+)"""

_SHAPES = (
    # Also one that was cut off, and one within JSON, where lines end with \n.
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    # PEM in base64, as kubeconfigs have it.
    re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]+=*"),
    # JSON web tokens.
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/-]{8,}=*|(?<=basic )[A-Za-z0-9+/]{8,}=*"),
    re.compile(r"(?<=://)[^/\s:@\"']+:[^\s@\"']+(?=@)"),
)
# name = value, "name": "value", {name="value"}, --name value, and ["name","value"] as OVSDB writes maps.
_NAMED = re.compile(
    r"(?P<before>(?<![\w/.])[\w.-]*?" + _NAME + r"(?:\\?[\"']?[ \t]*[:=][ \t]*|\",[ \t]*(?=\")))"
    r"(?P<value>" + _VALUE + ")",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(?P<before>--[\w-]*" + _NAME + r"[ \t]+)(?P<value>" + _VALUE + ")", re.IGNORECASE)
_HARMLESS = re.compile(
    r"""\\?["']?(?:/(?:etc|home|opt|root|run|srv|tmp|usr|var)/[^\s"']*|true|false|null|none|\{|\[|\(hidden\))?\\?["']?\Z""",
    re.IGNORECASE,
)
"""Paths of secrets and switches about them are no secrets."""


def scrub(text):
    """Return the text without secrets, and how many were taken out."""
    count = 0

    def hide_value(match):
        nonlocal count
        value = match["value"]
        if _HARMLESS.match(value):
            return match[0]
        count += 1
        quote = re.match(r"""\\?["']|""", value)[0]
        return match["before"] + quote + HIDDEN + quote

    for shape in _SHAPES:
        text, hidden = shape.subn(HIDDEN, text)
        count += hidden
    for named in (_NAMED, _OPTION):
        text = named.sub(hide_value, text)
    return text, count
