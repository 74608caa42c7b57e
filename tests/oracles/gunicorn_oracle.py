"""What gunicorn makes of its command line, of GUNICORN_CMD_ARGS and of its configuration.

Reads one JSON object a line, {"words": [TEXT, ...], "arguments": TEXT or null, "folder": TEXT}, and answers each with one line:
{"environment": {NAME: TEXT, ...}, "folder": TEXT}, what a server is then loaded with and in, or {"error": TEXT}.
"""

import json
import os
import sys

from gunicorn import config, util
from gunicorn.app.wsgiapp import WSGIApplication


def answer(question):
    """Loads a configuration, as gunicorn does before it starts a server."""
    os.chdir(question["folder"])
    os.environ.clear()
    if question["arguments"] is not None:
        os.environ["GUNICORN_CMD_ARGS"] = question["arguments"]
    # It asks where it is when it is imported.
    config.Chdir.default = util.getcwd()
    sys.argv = ["gunicorn", *question["words"]]
    try:
        application = WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn")
        environment = {**os.environ, **application.cfg.env}
    except (Exception, SystemExit) as error:
        return {"error": repr(error)}
    return {"environment": environment, "folder": os.getcwd()}


for line in sys.stdin:
    # A configuration is code, so that each has a process of its own.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os.write(writer, json.dumps(answer(json.loads(line))).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        print(pipe.read(), flush=True)
    os.waitpid(child, 0)
