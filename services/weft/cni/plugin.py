#!/usr/bin/python3 -IS
"""CNI plugin of Weft: hands each command to the agent of this host and prints its answer.

Runtimes start it for every command, so it imports nothing that takes time: no `json`, no `socket` (both load `re` and
`enum`), only the C modules below them. The request is one line of JSON, the answer an exit status, a newline and
the text to print; what the text means is for the agent and the runtime. Only VERSION, and an agent that does not
answer, are handled here.

The socket is /run/weft/cni.sock, or what the network configuration, or its "ipam", names as "weft_socket". Kube-OVN's
"server_socket" is another program's and ignored.
"""

from posix import _exit, environ, read, write

try:
    from _json import encode_basestring_ascii as quote
    from _socket import AF_UNIX, SOCK_STREAM, socket
except ImportError:  # another Python implementation: the same, slower
    from json.encoder import encode_basestring_ascii as quote
    from socket import AF_UNIX, SOCK_STREAM, socket  # type: ignore[assignment]

SOCKET = "/run/weft/cni.sock"
VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
TIMEOUT = 120.0
TRY_AGAIN, DECODING_FAILURE = 11, 6


def main() -> int:
    """Answer VERSION, or have the agent answer; gives the exit status."""
    config = read_all()
    env = {key.decode(): value.decode(errors="replace") for key, value in environ.items() if key[:4] == b"CNI_"}
    if env.get("CNI_COMMAND") == "VERSION":
        return version(config)
    path = socket_path(config)
    try:
        answer = ask(path, request(env, config))
    except OSError as error:
        return fail(config, f"weft-agent does not answer on {path}: {error.strerror or error}", hint(error))
    if not answer:
        return fail(config, f"weft-agent closed {path} without an answer", "it was probably restarted; retry")
    status, _, text = answer.partition(b"\n")
    write_all(text)
    return int(status)


def socket_path(config: str) -> str:
    """The value of "weft_socket"; found as text, since loading a JSON parser takes as long as all the rest."""
    rest = config.partition('"weft_socket"')[2].lstrip(" \t\r\n:")
    if not rest:
        return SOCKET
    value, quote_after, _ = rest[1:].partition('"')
    if rest[0] != '"' or not quote_after or "\\" in value:
        document = parsed(config)
        own = document.get("ipam")
        sections = (document, own if isinstance(own, dict) else {})
        return next((str(section["weft_socket"]) for section in sections if "weft_socket" in section), SOCKET)
    return value


def request(env: dict[str, str], config: str) -> bytes:
    """The request as one line of JSON."""
    pairs = ",".join(f"{quote(key)}:{quote(value)}" for key, value in env.items())
    return f'{{"env":{{{pairs}}},"config":{quote(config)}}}\n'.encode()


def ask(path: str, line: bytes) -> bytes:
    """Send the request and read the answer to its end."""
    channel = socket(AF_UNIX, SOCK_STREAM)
    channel.settimeout(TIMEOUT)
    channel.connect(path)
    channel.sendall(line)
    parts = []
    while part := channel.recv(65536):
        parts.append(part)
    return b"".join(parts)


def hint(error: OSError) -> str:
    """What a person should look at."""
    if isinstance(error, PermissionError):
        return "the socket is for root only: run the runtime, or cnitool, as root"
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return "is the agent running? systemctl status weft-agent; journalctl -u weft-agent"
    return "see journalctl -u weft-agent"


def version(config: str) -> int:
    """Print the versions of the specification that are spoken."""
    import json

    wanted = parsed(config).get("cniVersion", VERSIONS[-1])
    write_all(json.dumps({"cniVersion": wanted, "supportedVersions": list(VERSIONS)}).encode())
    return 0


def parsed(config: str) -> dict[str, object]:
    """The network configuration; one that is no JSON ends the plugin with an error."""
    import json

    try:
        document = json.loads(config or "{}")
    except ValueError as error:
        message = f"network configuration on standard input is not JSON: {error}"
        raise SystemExit(fail("", message, "", DECODING_FAILURE)) from error
    return document if isinstance(document, dict) else {}


def fail(config: str, message: str, details: str, code: int = TRY_AGAIN) -> int:
    """Print an error as the specification has it; the runtime may try again."""
    import json

    wanted = parsed(config).get("cniVersion", "1.0.0")
    write_all(json.dumps({"cniVersion": wanted, "code": code, "msg": message, "details": details}).encode())
    return 1


def read_all() -> str:
    """Standard input to its end."""
    parts = []
    while part := read(0, 65536):
        parts.append(part)
    return b"".join(parts).decode(errors="replace")


def write_all(data: bytes) -> None:
    """To standard output."""
    while data:
        data = data[write(1, data) :]


if __name__ == "__main__":
    _exit(main())  # nothing is left to clean up, and leaving orderly takes a millisecond
