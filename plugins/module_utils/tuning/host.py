# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface to a host's kernel: its files under one root, which tests put elsewhere, and its programs."""

from __future__ import annotations

import os
import subprocess


class TuningError(Exception):
    """Something that the host refused; the text is for the operator."""


class Host:
    """Files are named as on the host, programs by their words."""

    def __init__(self, root="/"):
        self.root = root

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def exists(self, name):
        return os.path.exists(self.path(name))

    def read(self, name):
        """The file's text without white space around it, None where it cannot be read."""
        try:
            with open(self.path(name)) as file:
                return file.read().strip()
        except OSError:
            return None

    def write(self, name, text):
        try:
            with open(self.path(name), "w") as file:
                file.write(text)
        except OSError as error:
            raise TuningError("%s: %r was refused: %s" % (name, text, error.strerror)) from error

    def names(self, directory):
        try:
            return sorted(os.listdir(self.path(directory)))
        except OSError:
            return []

    def run(self, *words):
        """What a program prints. TuningError with its complaint when it fails."""
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise TuningError("%s is not installed" % words[0]) from error
        if done.returncode:
            raise TuningError("%s: %s" % (" ".join(words), (done.stderr or done.stdout).strip()))
        return done.stdout
