"""Answers as `docker compose` does for a deployment that is one stand-in server, for tests of clearml-rotate.

`CLEARML_STANDIN` names a folder with:

    given.json  what the stand-in is given, besides the compose file: see standin.py; its ports are fixed
    fail        words, one a line: `up` fails and names a secret; `once` does so one time; `idle` restarts nothing;
                `flush` and `ping` are refused by Redis, which redis-cli does not show in its exit code
    calls       every call is added, its words in one JSON array a line
    group       the process group of the running stand-in

What compose does with variables is done here, too: those of the shell win over those of the env file.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# Of a Redis that asks for one, where redis-cli is given a variable.
PASSWORD = "s3cret-of-Redis"
HERE = Path(os.environ["CLEARML_STANDIN"])


def words():
    """The options before the command, and the command with what follows it."""
    options, rest = {}, sys.argv[2:]
    while rest and rest[0].startswith("-"):
        name, value, *rest = rest
        options.setdefault(name, []).append(value)
    return options, rest


def fails(word):
    path = HERE / "fail"
    found = path.read_text().split() if path.exists() else []
    if word in found and "once" in found:
        path.unlink()
    return word in found


def end():
    try:
        os.killpg(int((HERE / "group").read_text()), signal.SIGKILL)
    except (OSError, ValueError):
        pass
    (HERE / "group").unlink(missing_ok=True)


def variables(options, compose):
    files = options.get("--env-file") or [str(compose.parent / ".env")]
    found = {}
    for file in files:
        if Path(file).exists():
            lines = [line.partition("=") for line in Path(file).read_text().splitlines() if not line.startswith("#")]
            found |= {name: value.strip("'") for name, _, value in lines if name}
    return found | {name: os.environ[name] for name in found if name in os.environ}


def up(options):
    compose = Path(options.get("-f", ["docker-compose.yml"])[0]).absolute()
    found = variables(options, compose)
    if fails("up"):
        print("Error response from daemon: cannot start with", compose.read_text(), found, file=sys.stderr)
        return 1
    if fails("idle"):
        return 0
    end()
    merged = HERE / "variables"
    merged.write_text("".join(f"{name}='{value}'\n" for name, value in found.items()))
    given = json.loads((HERE / "given.json").read_text()) | {"compose": str(compose), "env_file": str(merged)}
    (HERE / "head").write_text(json.dumps(given) + "\n")
    said = HERE / "said"
    said.write_text("")
    # The stand-in ends with its input, which therefore outlives this program.
    script = '{ cat "$1"; exec sleep 600; } | exec "$2" "$3" >"$4" 2>/dev/null'
    child = subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", HERE / "head", sys.executable, Path(__file__).with_name("standin.py"), said],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    (HERE / "group").write_text(str(child.pid))
    for _ in range(600):
        if said.read_text().endswith("\n"):
            return 0
        if child.poll() is not None:
            return 1
        time.sleep(0.05)
    return 1


def flush():
    if fails("flush"):
        print("NOAUTH Authentication required.")
        return 0
    port = json.loads((HERE / "given.json").read_text())["redis"]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"SELECT 8\r\nFLUSHDB\r\nQUIT\r\n")
        while connection.recv(4096):
            pass
    print("OK")
    return 0


def main():
    with open(HERE / "calls", "a", encoding="utf-8") as calls:
        calls.write(json.dumps(sys.argv[1:]) + "\n")
    if sys.argv[1] == "inspect":
        print("redis-server", "--requirepass", PASSWORD, sep="\n")
        return 0
    options, rest = words()
    if rest == ["version"]:
        print("Docker Compose version v2.40.3")
        return 0
    if rest[:2] == ["ps", "--quiet"]:
        if (HERE / "group").exists():
            print("0123456789ab")
        return 0
    if rest[:3] == ["up", "-d", "--force-recreate"]:
        return up(options)
    if rest[:2] == ["exec", "-T"]:
        rest = rest[2:]
        asks = rest[:1] == ["-e"]
        if asks and os.environ.get(rest[1]) != PASSWORD:
            print("WRONGPASS invalid username-password pair or user is disabled.")
            return 0
        rest = rest[2:] if asks else rest
        if rest[1:] == ["redis-cli", "-n", "8", "PING"]:
            print("NOAUTH Authentication required." if fails("ping") else "PONG")
            return 0
        if rest[1:] == ["redis-cli", "-n", "8", "FLUSHDB"]:
            return flush()
    print("docker: unknown command:", rest, file=sys.stderr)
    return 125


sys.exit(main())
