"""How docker-compose understands a file.

Reads one JSON object a line, {"files": [PATH], "environment": {NAME: VALUE}}, and answers each with one line:
{"services": {...}, "rest": {...}} or {"error": TEXT}. The argument is the path of docker-compose.

Version 1 is Python: it is imported once, which makes a file cost a millisecond instead of half a second.
Version 2 is a program: it is run for each file.

Known faults of version 1, which generated files stay clear of: YAML 1.1 (a key `on` is true), no `${A:+b}`,
no `!reset` and `!override`, no long form of env_file, and it stops at dates.
"""

import json
import logging
import os
import subprocess
import sys

try:
    from compose.config import config as compose_config
    from compose.config.environment import Environment
except ImportError:
    compose_config = None


def plain(value):
    """What JSON cannot hold: named tuples become lists by themselves, the rest is shown by its parts."""
    if isinstance(value, set):
        return sorted(value)
    return getattr(value, "__dict__", None) or str(value)


def ask_version_1(paths, variables):
    environment = Environment(variables)
    environment.silent = True
    files = [compose_config.ConfigFile.from_filename(path) for path in paths]
    details = compose_config.ConfigDetails(os.path.dirname(paths[0]), files, environment)
    view = compose_config.load(details)
    services = {}
    for service in view.services:
        service = dict(service)
        services[service.pop("name")] = service
    return services, {"volumes": view.volumes, "networks": view.networks}


def single_dollars(value):
    """`config` prints a file that can be read again, in which every $ is doubled."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [single_dollars(item) for item in value]
    if isinstance(value, dict):
        return {key: single_dollars(item) for key, item in value.items()}
    return value


def ask_version_2(program, paths, variables):
    options = [word for path in paths for word in ("-f", path)]
    answer = subprocess.run(
        [program, *options, "config", "--format", "json"],
        env={"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if answer.returncode != 0:
        raise ValueError(answer.stderr.decode(errors="replace").strip())
    view = single_dollars(json.loads(answer.stdout))
    services = view.pop("services")
    return services, view


def main():
    logging.disable(logging.CRITICAL)
    program = sys.argv[1]
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if compose_config:
                services, rest = ask_version_1(question["files"], question["environment"])
            else:
                services, rest = ask_version_2(program, question["files"], question["environment"])
            answer = {"services": services, "rest": rest}
        except Exception as error:  # Whatever stops it is its answer: it does not accept the file.
            answer = {"error": f"{type(error).__name__}: {getattr(error, 'msg', error)}"}
        print(json.dumps(answer, default=plain, sort_keys=True), flush=True)


main()
