"""Where documents come from: files, folders, standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from weft.api.documents import Kinds, Loaded, load_documents
from weft.api.kinds import KINDS
from weft.ctl.errors import UsageError

SUFFIXES = (".yml", ".yaml", ".json")


def load_sources(names: Iterable[str], kinds: Kinds = KINDS) -> Loaded:
    """All documents of files, of the files of folders (by name), and of standard input (`-`)."""
    everything = Loaded()
    for source, text in _texts(names):
        loaded = load_documents(text, source, kinds)
        everything.documents.extend(loaded.documents)
        everything.problems.extend(loaded.problems)
    return everything


def _texts(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name == "-":
            yield "stdin", sys.stdin.read()
            continue
        for path in _files(Path(name)):
            try:
                yield str(path), path.read_text(encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
            except UnicodeDecodeError as error:
                raise UsageError(f"{path}: is not UTF-8 text: {error.reason} at byte {error.start}") from None


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if not files:
        raise UsageError(f"{path}: no documents in this folder; looked for *{', *'.join(SUFFIXES)}")
    return files
