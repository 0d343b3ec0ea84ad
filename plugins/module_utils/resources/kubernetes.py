# Copyright: (c) the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes API as a module needs it: one list, many writes at a time, what it says when it refuses.

Documents go as they are, without models of the client, which cost more than the request.
"""

from __future__ import annotations

import json
import traceback
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible_collections.weft.ovn.plugins.module_utils.resources.errors import (
    NoSuchKindError,
    RefusedError,
    TargetError,
)
from ansible_collections.weft.ovn.plugins.module_utils.resources.kinds import WORLD
from ansible_collections.weft.ovn.plugins.module_utils.resources.plan import patch

try:
    from kubernetes import client, config
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

PAGE = 500
IN_FLIGHT = 16
TIMEOUT = 30
"""Seconds until an answer must have begun."""
JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"

OPTIONS = {
    "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG", "KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
    "host": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_HOST"])},
    "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["K8S_AUTH_API_KEY"])},
    "validate_certs": {
        "type": "bool",
        "aliases": ["verify_ssl"],
        "fallback": (env_fallback, ["K8S_AUTH_VERIFY_SSL"]),
    },
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": (env_fallback, ["K8S_AUTH_SSL_CA_CERT"])},
    "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": (env_fallback, ["K8S_AUTH_CERT_FILE"])},
    "client_key": {"type": "path", "aliases": ["key_file"], "fallback": (env_fallback, ["K8S_AUTH_KEY_FILE"])},
}
"""As kubernetes.core has them."""


class Kubernetes:
    """One connection to the API, for all kinds."""

    def __init__(self, module):
        if IMPORT_ERROR:
            module.fail_json(msg=missing_required_lib("kubernetes"), exception=IMPORT_ERROR)
        api = _connect(module.params)
        settings, manager = api.configuration, api.rest_client.pool_manager
        self._host = settings.host.rstrip("/")
        self._pool = manager.connection_from_url(self._host)
        plain_proxy = getattr(manager, "proxy", None) and self._host.startswith("http://")
        self._base = self._host if plain_proxy else urlsplit(self._host).path
        headers = {"Accept": "application/json"}
        for auth in settings.auth_settings().values():
            if auth["in"] == "header" and auth["value"]:
                headers[auth["key"]] = auth["value"]
        self._headers = {kind: dict(headers, **{"Content-Type": kind}) for kind in (JSON, MERGE_PATCH)}

    def read(self, kind):
        """Return all objects of the kind, as documents."""
        return self._list(_path(kind))

    def world(self):
        """Return all objects of all kinds that a fabric knows. Kinds that the API does not have have no objects."""
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            return [document for documents in pool.map(self._known, WORLD) for document in documents]

    def _known(self, kind):
        try:
            items = self._list(_path(kind))
        except NoSuchKindError:
            return []
        return [dict(item, apiVersion=kind["api_version"], kind=kind["kind"]) for item in items]

    def kept(self, _kind, document):
        """Return a document as the store keeps it: whole."""
        return document

    def write(self, kind, changes, dry_run):
        """Write all changes; return by ref what each object is now, or the RefusedError that says why it is not.

        What goes makes room for what comes.
        """
        found = {}
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            for goes in (True, False):
                mine = [change for change in changes if (change.action == "deleted") == goes]
                found.update(pool.map(lambda change: (change.ref, self._try(kind, change, dry_run)), mine))
        return found

    def _try(self, kind, change, dry_run):
        try:
            return self._write(kind, change, "?dryRun=All" if dry_run else "")
        except RefusedError as error:
            return error
        except TargetError as error:
            return RefusedError(str(error))

    def _write(self, kind, change, query):
        namespace, name = change.metadata.get("namespace"), change.metadata["name"]
        if change.action == "created":
            return self._request("POST", _path(kind, namespace) + query, change.after)
        if change.action == "deleted":
            self._request("DELETE", _path(kind, namespace, name) + query)
            return None
        return self._request("PATCH", _path(kind, namespace, name) + query, patch(change))

    def _list(self, path):
        found, more = [], ""
        while True:
            answer = self._request("GET", path + "?limit=%d&continue=%s" % (PAGE, more))
            found += answer["items"]
            more = answer["metadata"].get("continue", "")
            if not more:
                return found

    def _request(self, method, path, body=None):
        # Past the pool manager and the client, which take twice the time of the request itself.
        try:
            answer = self._pool.request(
                method,
                self._base + path,
                body=None if body is None else json.dumps(body),
                headers=self._headers[MERGE_PATCH if method == "PATCH" else JSON],
                timeout=TIMEOUT,
                retries=False,
            )
        except HTTPError as error:
            raise TargetError("%s: %s: %s" % (self._host, _silence(method, error), error)) from error
        return self._answer(method, path, answer)

    def _answer(self, method, path, answer):
        try:
            document = json.loads(answer.data)
        except ValueError:
            document = {"message": answer.data.decode(errors="replace")[:300]}
        if answer.status < 300:
            return document
        message = (document.get("message") or "no reason given").strip()
        if method != "GET":
            raise RefusedError(message)
        path = path.partition("?")[0]
        if answer.status == 404:
            raise NoSuchKindError("GET %s: the API does not have this kind; the role crds installs it" % path)
        raise TargetError("GET %s: %d: %s" % (path, answer.status, message))


def _silence(method, error):
    """Return what the lack of an answer means: a request that was sent may have been done."""
    never_sent = isinstance(error, (ConnectTimeoutError, NewConnectionError))
    return "no answer" if method == "GET" or never_sent else "no answer, it may be done or not"


def _path(kind, namespace=None, name=None):
    version = kind["api_version"]
    parts = ["/api" if version == "v1" else "/apis", version, kind["plural"]]
    if namespace and kind["namespaced"]:
        parts[2:2] = ["namespaces", namespace]
    return "/".join([*parts, name] if name else parts)


def _connect(params):
    """Return the client; what is given to the task wins over the kubeconfig."""
    given = {key: params[key] for key in OPTIONS if params[key] is not None}
    settings = client.Configuration()
    try:
        if "host" not in given:
            config.load_kube_config(given.get("kubeconfig"), given.get("context"), settings, persist_config=False)
    except config.ConfigException as error:
        if not _inside(settings):
            raise TargetError("kubeconfig: %s" % error) from error
    settings.host = given.get("host", settings.host)
    if "api_key" in given:
        settings.api_key = {"authorization": "Bearer " + given["api_key"]}
    settings.verify_ssl = given.get("validate_certs", settings.verify_ssl)
    settings.ssl_ca_cert = given.get("ca_cert", settings.ssl_ca_cert)
    settings.cert_file = given.get("client_cert", settings.cert_file)
    settings.key_file = given.get("client_key", settings.key_file)
    settings.connection_pool_maxsize = IN_FLIGHT
    return client.ApiClient(settings)


def _inside(settings):
    """Return whether this is a pod, and its service account is used."""
    try:
        config.load_incluster_config(settings)
    except config.ConfigException:
        return False
    return True
