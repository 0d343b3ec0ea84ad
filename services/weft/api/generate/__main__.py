"""`python -m weft.api.generate [--check]`, in the checkout: writes what is generated, or says what is stale."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weft.api.generate import modules
from weft.api.generate.crd import GROUP, crd
from weft.api.generate.page import index, page
from weft.api.generate.rbac import rbac, webhook_rbac
from weft.api.generate.text import to_yaml
from weft.api.kinds import KINDS

ROOT = Path(__file__).resolve().parents[4]
CRDS, PAGES = Path("roles/crds/files"), Path("docs/reference")
MODULES, KIND_TABLE = Path("plugins/modules"), Path("plugins/module_utils/resources/kinds.py")
EXAMPLES = PAGES / "examples"
RBAC = Path("roles/controller/files/rbac.yaml")
WEBHOOK_RBAC = Path("roles/webhook/files/rbac.yaml")
_NOTE = "Generated from services/weft/api by: make generate. Do not edit."


def files() -> dict[Path, str]:
    """All generated files: path below the checkout -> text."""
    ours = [cls for cls in KINDS.values() if cls.STATUS is not None]
    result = {PAGES / "README.md": _markdown(index(sorted(ours, key=lambda cls: cls.INFO.kind)))}
    for cls in ours:
        name = cls.INFO.kind.lower()
        example = (ROOT / EXAMPLES / f"{name}.yml").read_text()
        result[CRDS / f"{cls.INFO.plural}.{GROUP}.yaml"] = _yaml(crd(cls))
        result[PAGES / f"{name}.md"] = _markdown(page(cls, example))
        if module := modules.MODULES.get(cls.INFO.kind):
            result[MODULES / f"{module}.py"] = modules.module(cls.INFO.kind, example, _NOTE)
    result[KIND_TABLE] = modules.table(_NOTE)
    result[RBAC] = _yaml(rbac())
    result[WEBHOOK_RBAC] = _yaml(webhook_rbac())
    return result


def _yaml(document: Mapping[str, Any]) -> str:
    return f"# {_NOTE}\n---\n{to_yaml(document)}"


def _markdown(text: str) -> str:
    return f"<!-- {_NOTE} -->\n\n{text}"


def _present() -> set[Path]:
    found = [*(ROOT / CRDS).glob("*.yaml"), *(ROOT / PAGES).glob("*.md")]
    return {path.relative_to(ROOT) for path in found}


def main(arguments: list[str]) -> int:
    """See the module's text."""
    wanted = files()
    stale = [path for path, text in wanted.items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text]
    superfluous = sorted(_present() - wanted.keys())
    if "--check" in arguments:
        for path in [*stale, *superfluous]:
            sys.stderr.write(f"{path} is stale: make generate\n")
        return 1 if stale or superfluous else 0
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(wanted[path])
    for path in superfluous:
        (ROOT / path).unlink()
    sys.stdout.write(f"{len(stale)} of {len(wanted)} files written, {len(superfluous)} removed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
