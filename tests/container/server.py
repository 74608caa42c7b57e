"""One server of a ClearML deployment in a container of its own, from the environment and the files that it has there:
server.py apiserver | fileserver | webserver | agent. Without one of these words it only runs, as async_delete does.

The answers are those of tests/standin/standin.py, and so is the way from variables to the configuration. As the real
ones do, the file server logs in to the API server at its start, and ends if it is refused.
"""

import base64
import http.client
import json
import os
import signal
import sys
import time

sys.path[:0] = ["/app/tests/standin", "/app/packages"]
import standin  # noqa: E402

TEXT = "2.3.0"
VERSION = standin.release(TEXT)
GIVEN = {"address": "0.0.0.0", "ports": {"api": 8008, "files": 8081, "web": 80}}


def ask(host, port, method, path, headers, body=None):
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


class Neighbour:
    """A server in another container, behind the web server."""

    starts = True

    def __init__(self, host, port):
        self.host, self.port = host, port

    def answer(self, method, path, headers, body):
        kept = {name: value for name, value in headers.items() if name.lower() not in ("connection", "host")}
        try:
            status, sent, answer = ask(self.host, self.port, method, path, kept, body)
        except OSError:
            return 502, {"Content-Type": "text/html"}, b"Bad Gateway"
        gone = ("connection", "content-length", "date", "transfer-encoding")
        return status, {name: value for name, value in sent.items() if name.lower() not in gone}, answer


class Session:
    """What a file server has of the API server: its own account there, with which it asks whether a token is right."""

    def __init__(self):
        self.jwt, self.pair, self.token = self, None, None

    def can_log_in(self, pair):
        self.pair = pair
        header = "Basic " + base64.b64encode(":".join(map(str, pair)).encode()).decode()
        while True:
            try:
                status, _, answer = ask("apiserver", 8008, "POST", "/auth.login", {"Authorization": header})
            except OSError:
                time.sleep(0.1)
                continue
            if status == 200:
                self.token = json.loads(answer)["data"]["token"]
            return status == 200

    def decode(self, token):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = json.dumps({"token": token})
        try:
            status, _, answer = ask("apiserver", 8008, "POST", "/auth.validate_token", headers, body)
        except OSError:
            raise standin.jwt.PyJWTError("Failed validating token") from None
        if status != 200:
            # Its session is from before; it has a new one for the next request.
            self.can_log_in(self.pair)
            raise standin.jwt.PyJWTError("Failed validating token")
        answer = json.loads(answer)["data"]
        if not answer["valid"]:
            raise standin.jwt.PyJWTError(answer["msg"])


def part(word):
    """The name under which a server is served, and what answers."""
    if word == "webserver":
        return standin.Web(dict(os.environ), Neighbour("apiserver", 8008), Neighbour("fileserver", 8081))
    config = standin.load(dict(os.environ), "/opt/clearml/config", VERSION)
    if word == "apiserver":
        return standin.Api(config, VERSION, TEXT, {})
    memory = standin.Memory(6379, "redis", os.environ.get("CLEARML_REDIS_SERVICE_PASSWORD"))
    files = standin.Files(config, VERSION, Session(), memory, 0)
    if not files.starts:
        sys.exit("the API server refuses the account of the file server")
    return files


def main():
    # The first process of a container is ended by no signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    if word in ("apiserver", "fileserver", "webserver"):
        standin.serve(part(word), word, GIVEN, standin.Record(GIVEN))
    while True:
        time.sleep(600)


main()
