# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the argument specs of playbooks to the surveys of job templates, so that these cannot drift from those."""

from __future__ import annotations

import re

from ansible.errors import AnsibleFilterError

TYPES = {"str": "text", "path": "text", "int": "integer", "float": "float", "bool": "multiplechoice"}
LONGEST = 1024


def awx_survey(options):
    """Return the survey of the options of one entry of an argument spec: a question each, in their order."""
    questions = [_question(name, dict(option)) for name, option in dict(options or {}).items()]
    return {"name": "", "description": "", "spec": questions}


def _question(name, option):
    kind = option.get("type", "str")
    if kind not in TYPES or option.get("no_log"):
        raise AnsibleFilterError("option %s: a survey cannot ask for it: its type is %s" % (name, kind))
    choices = ["false", "true"] if kind == "bool" else [str(choice) for choice in option.get("choices", [])]
    return {
        "question_name": name.replace("_", " ").capitalize(),
        "question_description": _words(option.get("description", "")),
        "required": bool(option.get("required", False)),
        "type": "multiplechoice" if choices else TYPES[kind],
        "variable": name,
        "min": None,
        "max": LONGEST if TYPES[kind] == "text" and not choices else None,
        "default": _default(kind, option.get("default", "")),
        "choices": choices,
        "new_question": True,
    }


def _default(kind, value):
    if kind == "bool":
        return str(bool(value)).lower()
    return value if kind in ("int", "float") else str(value)


def _words(description):
    """Return the description as plain text."""
    text = description if isinstance(description, str) else " ".join(str(part) for part in description)
    return re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", text)


class FilterModule:
    """Surveys of AWX."""

    def filters(self):
        return {"awx_survey": awx_survey}
