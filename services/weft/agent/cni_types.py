"""CNI requests and errors as values (CNI specification 1.1.0, https://www.cni.dev/docs/spec/).

Pure: what a runtime asks for is parsed from the plugin's environment and standard input. A plugin that makes its
interfaces itself may call ours for addresses only: standard input then is its configuration, ours stands under `ipam`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Final

from weft.agent.view import DEFAULT_PROVIDER

SUPPORTED: Final = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
COMMANDS: Final = ("ADD", "DEL", "CHECK", "STATUS", "GC")

PLUGINS: Final = ("weft", "kube-ovn")
"""The names under which the plugin is installed: manifests made for Kube-OVN name its own."""

KEPT: Final = "netns-"
"""What the container identifiers of the namespaces begin with that the agent keeps itself."""

SINCE: Final[Mapping[str, str]] = {"CHECK": "0.4.0", "STATUS": "1.1.0", "GC": "1.1.0"}
"""The version of the specification that has the command, where not all have."""

INCOMPATIBLE_VERSION, UNSUPPORTED_FIELD, UNKNOWN_CONTAINER, INVALID_ENVIRONMENT, IO_FAILURE = 1, 2, 3, 4, 5
DECODING_FAILURE, INVALID_CONFIG, TRY_AGAIN, NOT_AVAILABLE, LIMITED = 6, 7, 11, 50, 51
WIRING_FAILED, CHECK_FAILED = 100, 101

REASONS: Final[Mapping[int, str]] = {
    INCOMPATIBLE_VERSION: "version", UNSUPPORTED_FIELD: "capability", UNKNOWN_CONTAINER: "container-gone",
    INVALID_ENVIRONMENT: "environment", IO_FAILURE: "kernel", DECODING_FAILURE: "configuration",
    INVALID_CONFIG: "configuration", TRY_AGAIN: "other", NOT_AVAILABLE: "not-available", LIMITED: "not-available",
    WIRING_FAILED: "wiring", CHECK_FAILED: "differs",
}  # fmt: skip
"""What failures are counted under, where the error names nothing closer."""

Interface = IPv4Interface | IPv6Interface

_CONTAINER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")
_IFNAME: Final = re.compile(r"(?!\.{1,2}$)[^/:\s\x00-\x1f]{1,15}")


class CniError(Exception):
    """An error as the specification wants it; `details` says what to look at, failures are counted by `reason`."""

    def __init__(self, code: int, message: str, details: str = "", *, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason or REASONS.get(code, "other")
        self.message = message
        self.details = details

    def document(self, version: str) -> dict[str, Any]:
        return {"cniVersion": version, "code": self.code, "msg": self.message, "details": self.details}


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the plugin. `namespace`, `pod` and `uid` are Kubernetes' arguments, "" where absent.

    `provider` says which of the pod's networks is meant; with `ipam`, only its addresses are asked for.
    """

    command: str
    container: str
    netns: str
    ifname: str
    namespace: str
    pod: str
    uid: str
    provider: str
    ipam: bool
    version: str
    config: Mapping[str, Any]

    @property
    def network(self) -> str:
        """The name of the runtime's network."""
        return str(self.config.get("name", ""))

    @property
    def valid(self) -> frozenset[tuple[str, str]]:
        """GC: (container, interface) of all attachments to the network that the runtime still has."""
        try:
            items = self.config["cni.dev/valid-attachments"]
            return frozenset((item["containerID"], item["ifname"]) for item in items)
        except (KeyError, TypeError) as error:
            raise CniError(
                INVALID_CONFIG, f"cni.dev/valid-attachments: {error!r}; allowed is a list of containerID and ifname"
            ) from None

    @property
    def port(self) -> str:
        """The port's name but for the interface, which only the row knows to be part of it or not."""
        name = f"{self.pod}.{self.namespace}"
        return name if self.provider == DEFAULT_PROVIDER else f"{name}.{self.provider}"

    @property
    def pod_name(self) -> str:
        """How people call it."""
        return f"{self.namespace}/{self.pod}" if self.pod else f"container {self.container[:12] or 'none'}"


def parse_request(environment: Mapping[str, str], text: str) -> Request:
    """The request in the plugin's `CNI_*` environment and its standard input; raises CniError."""
    config = _parse_config(text)
    command = environment.get("CNI_COMMAND", "")
    if command not in COMMANDS:
        raise CniError(INVALID_ENVIRONMENT, f"CNI_COMMAND: got {command!r}, allowed are VERSION, {', '.join(COMMANDS)}")
    _check_version(command, config["cniVersion"])
    _check_environment(command, environment)
    arguments = _parse_arguments(environment.get("CNI_ARGS", ""))
    provider, ipam = _parse_provider(config)
    return Request(
        command=command,
        container=environment.get("CNI_CONTAINERID", ""),
        netns=environment.get("CNI_NETNS", ""),
        ifname=environment.get("CNI_IFNAME", ""),
        namespace=arguments.get("K8S_POD_NAMESPACE", ""),
        pod=arguments.get("K8S_POD_NAME", ""),
        uid=arguments.get("K8S_POD_UID", ""),
        provider=provider,
        ipam=ipam,
        version=config["cniVersion"],
        config=config,
    )


def _check_version(command: str, version: str) -> None:
    needed = SINCE.get(command, SUPPORTED[0])
    if SUPPORTED.index(version) < SUPPORTED.index(needed):
        raise CniError(
            INCOMPATIBLE_VERSION, f"cniVersion: got {version!r}, but {command} is there since {needed}",
            "the network configuration has to name a newer cniVersion for this command",
        )  # fmt: skip


def _check_environment(command: str, environment: Mapping[str, str]) -> None:
    """What is there has the form that the specification and the kernel allow: some of it becomes part of a path."""
    needed = {"ADD": ("CONTAINERID", "NETNS", "IFNAME"), "CHECK": ("CONTAINERID", "NETNS", "IFNAME"),
              "DEL": ("CONTAINERID", "IFNAME")}.get(command, ())  # fmt: skip
    for name in needed:
        if not environment.get(f"CNI_{name}"):
            raise CniError(INVALID_ENVIRONMENT, f"CNI_{name}: is missing; {command} needs it")
    forms = (
        ("CNI_CONTAINERID", _CONTAINER, "letters, digits and _.- after a letter or digit"),
        ("CNI_IFNAME", _IFNAME, "1 to 15 characters without /, : and space"),
    )
    for name, form, allowed in forms:
        value = environment.get(name)
        if value and not form.fullmatch(value):
            raise CniError(INVALID_ENVIRONMENT, f"{name}: got {value!r}, allowed are {allowed}")


def _parse_config(text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise CniError(DECODING_FAILURE, f"network configuration on standard input is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise CniError(DECODING_FAILURE, "network configuration on standard input is not a JSON object")
    version = config.setdefault("cniVersion", "0.3.1")
    if version not in SUPPORTED:
        raise CniError(INCOMPATIBLE_VERSION, f"cniVersion: got {version!r}, allowed are {', '.join(SUPPORTED)}")
    return config


def _parse_provider(config: Mapping[str, Any]) -> tuple[str, bool]:
    """(provider, are only addresses asked for)."""
    own = config.get("ipam")
    ipam = config.get("type") not in PLUGINS and isinstance(own, dict) and own.get("type") in PLUGINS
    section = own if ipam and isinstance(own, dict) else config
    provider = section.get("provider") or DEFAULT_PROVIDER
    if not isinstance(provider, str):
        field = "ipam.provider" if ipam else "provider"
        raise CniError(INVALID_CONFIG, f"{field}: got {provider!r}, allowed is a text like 'net1.default.ovn'")
    return provider, ipam


def _parse_arguments(text: str) -> dict[str, str]:
    """`CNI_ARGS` is KEY=VALUE joined by semicolons."""
    pairs = (item.partition("=") for item in text.split(";") if item)
    return {key.strip(): value.strip() for key, _, value in pairs}
