"""Where tools/kube-tools takes programs from: KUBEBUILDER_ASSETS, its cache, a release whose checksums are right, Go.

Releases come from a server on loopback; etcd is in the cache already, and a `go` that only fails shows who would build.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "kube-tools"
VERSION = re.findall(r"^readonly version=(\S+)$", TOOL.read_text(), re.MULTILINE)[0]
PROGRAMS = ("kube-apiserver", "kubectl")
BUILDS = "this go builds nothing"
NOBODY = "http://127.0.0.1:9/release"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(directory: Path) -> Iterator[str]:
    """What the directory has, at a URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/release"
        finally:
            server.shutdown()
            thread.join()


def program(path: Path, text: str = "true") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """The cache's folder of programs."""
    folder = tmp_path / "cache" / f"kube-{VERSION}" / "bin"
    program(folder / "etcd")
    return folder


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release of all programs, and the folder that is served."""
    machine = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    folder = tmp_path / "served" / "release" / f"v{VERSION}" / "bin" / "linux" / machine
    for name in (*PROGRAMS, "kube-scheduler"):
        content = program(folder / name, f"echo released {name}").read_bytes()
        (folder / f"{name}.sha256").write_text(hashlib.sha256(content).hexdigest())
    return folder


def run(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    program(tmp_path / "path" / "go", f'[ "$1" = env ] && echo go1.99.0 && exit; echo "{BUILDS}"; exit 1')
    environment = {
        **{name: value for name, value in os.environ.items() if name != "KUBEBUILDER_ASSETS"},
        "PATH": f"{tmp_path / 'path'}:{os.environ['PATH']}",
        "WEFT_CACHE": str(tmp_path / "cache"),
        "KUBE_RELEASES": NOBODY,
        "no_proxy": "127.0.0.1",
        **variables,
    }
    return subprocess.run([TOOL, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_given_programs_are_taken(tmp_path: Path) -> None:
    for name in ("etcd", *PROGRAMS):
        program(tmp_path / "assets" / name)
    done = run(tmp_path, KUBEBUILDER_ASSETS=str(tmp_path / "assets"))
    assert (done.stdout.strip(), done.returncode) == (str(tmp_path / "assets"), 0)


def test_given_programs_are_all_or_an_error(tmp_path: Path) -> None:
    program(tmp_path / "assets" / "kubectl")
    done = run(tmp_path, KUBEBUILDER_ASSETS=str(tmp_path / "assets"))
    assert done.returncode == 1
    assert "lacks etcd kube-apiserver;" in done.stderr


def test_what_is_in_the_cache_is_not_asked_for(tmp_path: Path, binaries: Path) -> None:
    for name in PROGRAMS:
        program(binaries / name)
    done = run(tmp_path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == (str(binaries), "", 0)


@pytest.mark.usefixtures("release")
def test_a_release_is_downloaded(tmp_path: Path, binaries: Path) -> None:
    program(binaries / "kubectl", "echo cached kubectl")
    with serving(tmp_path / "served") as url:
        done = run(tmp_path, "kube-scheduler", KUBE_RELEASES=url)
    assert (done.stdout.strip(), done.returncode) == (str(binaries), 0), done.stderr
    said = {name: subprocess.check_output([binaries / name], text=True) for name in (*PROGRAMS, "kube-scheduler")}
    assert said == {
        "kube-apiserver": "released kube-apiserver\n",
        "kubectl": "cached kubectl\n",
        "kube-scheduler": "released kube-scheduler\n",
    }
    assert not list(binaries.parent.glob(".making*"))


def test_what_is_not_what_its_checksum_says_is_not_used(tmp_path: Path, binaries: Path, release: Path) -> None:
    program(release / "kubectl", "echo something else")
    with serving(tmp_path / "served") as url:
        done = run(tmp_path, KUBE_RELEASES=url)
    assert done.returncode == 1
    assert "/kubectl: its SHA-256 is " in done.stderr
    assert BUILDS not in done.stderr
    assert not (binaries / "kubectl").exists()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("kubectl", id="no such program"),
        pytest.param("kubectl.sha256", id="no checksum"),
        pytest.param("", id="a page that answers everything"),
    ],
)
@pytest.mark.usefixtures("binaries")
def test_what_no_release_has_is_built(tmp_path: Path, release: Path, broken: str) -> None:
    if broken:
        (release / broken).unlink()
    else:
        (release / "kubectl.sha256").write_text("<html>please log in</html>")
    with serving(tmp_path / "served") as url:
        done = run(tmp_path, KUBE_RELEASES=url)
    assert done.returncode == 1
    assert BUILDS in done.stderr


@pytest.mark.parametrize("url", [NOBODY, "", "http://nowhere.invalid/release"])
@pytest.mark.usefixtures("binaries")
def test_out_of_reach_is_known_at_once(tmp_path: Path, url: str) -> None:
    done = run(tmp_path, KUBE_RELEASES=url)
    first, *_ = done.stderr.splitlines()
    assert BUILDS in first, "nothing is said of a release that nobody can reach"
