"""The certificate that API servers see: the one that is on disk now.

It is renewed under a running service. A context that is already in use takes up a new chain for the connections that
come; those that are there go on with the old one.
"""

from __future__ import annotations

import asyncio
import ssl

from weft import log
from weft.service import ConfigError
from weft.webhook import metrics
from weft.webhook.config import Certificate

_log = log.get_logger(__name__)
PERIOD = 5.0


class ServerCertificate:
    """`context` is for a listener. Raises ConfigError when there is nothing to begin with."""

    def __init__(self, files: Certificate) -> None:
        self._files = files
        self._seen: tuple[tuple[int, int], ...] = ()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._load()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"tls: {files.certificate}, {files.private_key}: cannot be used: {error}") from error

    async def follow(self) -> None:
        """Never ends by itself. Key and certificate are two files: between them they may not fit for a moment."""
        while True:
            await asyncio.sleep(PERIOD)
            try:
                if self._stamps() != self._seen:
                    self._load()
                    _log.info("certificate taken up", file=self._files.certificate)
            except (OSError, ssl.SSLError) as error:
                _log.warning("the certificate on disk cannot be used, the old one goes on", reason=error)

    def _stamps(self) -> tuple[tuple[int, int], ...]:
        files = (self._files.certificate.stat(), self._files.private_key.stat())
        return tuple((file.st_mtime_ns, file.st_ino) for file in files)

    def _load(self) -> None:
        stamps = self._stamps()
        pair = (self._files.certificate, self._files.private_key)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*pair)  # a pair that does not fit would spoil ours
        self.context.load_cert_chain(*pair)
        self._seen = stamps
        metrics.CERTIFICATES.inc()
