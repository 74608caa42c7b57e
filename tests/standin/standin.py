"""Answers as a ClearML Server does, for tests: standin.py < configuration.

Written from what was observed on running servers, and on the libraries that they use: pyhocon reads the configuration,
PyJWT signs and checks tokens, bcrypt checks passwords. The configuration is one JSON object:

    compose    a compose file: where the environment of apiserver, fileserver and webserver stands
    env_file   the variables for the compose file's `${NAME}`, as clearml-inject writes them; without it, none has a value
    version    the release, e.g. "2.0.0"
    config     a folder of *.conf files that apiserver and fileserver load, if there is one
    redis      the port of a Redis on this machine for the file server's memory of tokens; without it, its own
    delay      seconds that every answer takes
    stale      how many requests with a token the file server refuses first, as after a restart of the API server alone
    late       seconds until the file server listens, as while it waits for the API server
    record     a file to which every request is added, one JSON object a line

It prints the ports as JSON when it is ready, and ends with its standard input.
"""

import base64
import hashlib
import json
import re
import socket
import sys
import threading
import time
import tomllib
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import bcrypt
import jwt
import yaml
from pyhocon import ConfigFactory, ConfigTree

COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"
# The order in which accounts are set up, and their roles.
ACCOUNTS = {
    "apiserver": "system",
    "fileserver": "system",
    "webserver": "system",
    "services_agent": "admin",
    "tests": "user",
}
ALGORITHMS = ["HS256", "HS384", "HS512"]
KNOWN = Path(__file__).parents[2] / "crates/core/data/known_defaults.toml"


def release(text):
    return tuple(int(number) for number in text.split("."))


def defaults(version):
    """What the image has where nothing sets a setting."""
    tree = ConfigTree()
    for known in tomllib.loads(KNOWN.read_text())["known"]:
        since, until = known.get("since"), known.get("until")
        if (
            known.get("built_in")
            and (since is None or release(since) <= version)
            and (until is None or version < release(until))
        ):
            tree.put(known["setting"], known["value"])
    for account in ACCOUNTS:
        for half in ("user_key", "user_secret"):
            path = f"secure.credentials.{account}.{half}"
            if tree.get(path, None) is None and (account != "fileserver" or version >= (1, 16)):
                tree.put(path, "")
    return tree


def dotenv(path):
    """The lines `NAME=value` of an env file, with or without single quotes."""
    if not path or not Path(path).exists():
        return {}
    lines = [line.partition("=") for line in Path(path).read_text().splitlines() if not line.startswith("#")]
    return {name: value.strip("'") for name, _, value in lines if name}


def environment(compose, service, given):
    """The variables of a service, in both forms, with what compose makes of dollar signs."""
    variables = (compose.get("services", {}).get(service) or {}).get("environment") or {}
    if isinstance(variables, list):
        variables = dict(item.partition("=")[::2] for item in variables)

    def interpolated(value):
        def replaced(match):
            return "$" if match[0] == "$$" else given.get(match[1]) or match[2] or ""

        return re.sub(r"\$\$|\$\{(\w+)(?::?-([^}]*)|:?\?[^}]*)?\}", replaced, "" if value is None else str(value))

    return {name: interpolated(value) for name, value in variables.items()}


def load(variables, folder, version):
    """Defaults, then files, then TRAINS__ and CLEARML__ variables in the order of their names, the last one wins."""
    config = defaults(version)
    if folder:
        for path in sorted(Path(folder).rglob("*.conf")):
            key = ".".join(path.relative_to(folder).with_suffix("").parts)
            tree = ConfigTree()
            tree.put(key, ConfigFactory.parse_file(str(path)))
            config = ConfigTree.merge_configs(config, tree)
    for prefix in ("TRAINS__", "CLEARML__"):
        for name in sorted(variables):
            if name.startswith(prefix):
                path = name[len(prefix):].replace("__", ".").lower()
                config = ConfigTree.merge_configs(config, ConfigFactory.parse_string(f"{path}: {variables[name]}"))
    return config


class Refused(Exception):
    def __init__(self, status, subcode, message):
        super().__init__(message)
        self.status, self.subcode = status, subcode


class Api:
    """The API server."""

    def __init__(self, config, version, text):
        self.config, self.version, self.text = config, version, text
        self.secret = config.get("secure.auth.token_secret", None)
        self.fixed = config.get("apiserver.auth.fixed_users.enabled", False) is True
        self.hashed = config.get("apiserver.auth.fixed_users.pass_hashed", False) is True
        self.guest = config.get("services.auth.fixed_users.guest.enabled", False) is True
        # The database was there before: with the defaults, until the set-up replaces them.
        self.accounts = self.set_up(defaults(version), {})
        self.accounts = self.set_up(config, self.accounts)
        self.users = {}
        if self.fixed:
            for account in ("webserver", "tests"):
                self.accounts.pop(account, None)
            for user in config.get("apiserver.auth.fixed_users.users", []):
                self.users[user["username"]] = user

    @staticmethod
    def set_up(config, accounts):
        accounts = dict(accounts)
        for account in ACCOUNTS:
            pair = [config.get(f"secure.credentials.{account}.{half}", "") for half in ("user_key", "user_secret")]
            if not all(isinstance(half, str) for half in pair):
                break  # A credential that is not text ends the set-up, and later accounts keep what they had.
            if all(pair):
                accounts[account] = tuple(pair)
            else:
                accounts.pop(account, None)
        return accounts

    def sign(self, identity, lifetime):
        claims = {"iat": int(time.time()), "identity": identity, "server_version": self.text}
        if lifetime:
            claims["exp"] = claims["iat"] + lifetime
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def can_sign(self):
        try:
            self.sign({}, None)
        except Exception:
            return False
        return True

    def log_in(self, header):
        kind, _, text = (header or "").partition(" ")
        if not header:
            raise Refused(401, 20, "Unauthorized (missing credentials)")
        if kind != "Basic":
            raise Refused(401, 10, "Unauthorized (bad authentication header type)")
        key, _, secret = base64.b64decode(text).decode().partition(":")
        for account, pair in self.accounts.items():
            if pair == (key, secret):
                role = ACCOUNTS[account]
                identity = {"user": f"__{account}__", "company": COMPANY, "role": role}
                return self.sign(identity, None if role == "system" else 2592000)
        user = self.users.get(key)
        if user is not None:
            password = str(user["password"])
            if self.hashed:
                right = bcrypt.checkpw(secret.encode(), base64.b64decode(password))
            else:
                right = password == secret
            if right:
                return self.sign({"user": key, "company": COMPANY, "role": "user"}, 2592000)
            raise Refused(401, 22, "Unauthorized (bad username or password)")
        raise Refused(401, 22, "Unauthorized (invalid credentials) (failed to locate provided credentials)")

    def authorize(self, headers, roles):
        header = headers.get("Authorization", "")
        if not header.startswith("Bearer "):
            raise Refused(401, 20, "Unauthorized (missing credentials)")
        try:
            claims = jwt.decode(header[7:], self.secret, algorithms=ALGORITHMS)
        except jwt.exceptions.InvalidKeyError:
            raise
        except jwt.PyJWTError as error:
            raise Refused(401, 30, f"Unauthorized (invalid jwt token): reason={error}") from None
        role = (claims["identity"],)[0]["role"] if "identity" in claims else ()[0]
        if role not in roles:
            raise Refused(403, 20, f"Forbidden (not allowed for role): role={role}")

    def answer(self, method, path, headers, body):
        name = path.strip("/").split("?")[0]
        name = re.sub(r"^v\d+(\.\d+)?/", "", name)
        sent = {"server": "clearml", "Content-Type": "application/json"}
        if "Origin" in headers:
            origins = self.config.get("apiserver.cors.origins", "*")
            if origins in ("*", headers["Origin"]):
                sent["Access-Control-Allow-Origin"] = headers["Origin"]
                sent["Access-Control-Allow-Credentials"] = "true"
        data, status, subcode, message, stack = {}, 200, 0, "OK", None
        try:
            if "/" in name or not name:
                raise Refused(400, 0, "Invalid request path")
            if name == "debug.ping":
                data = {"msg": "ClearML server"}
            elif name == "server.info":
                if self.version >= (2, 3):
                    self.authorize(headers, ("system", "root", "admin", "user"))
                data = {"version": self.text, "build": "", "commit": "", "api_version": "2.31"}
            elif name in ("login.supported_modes", "auth.fixed_users_mode"):
                guest = {"enabled": self.guest}
                if self.guest:
                    guest |= {"name": "Guest", "username": "guest", "password": "guest"}
                data = {
                    "authenticated": False,
                    "basic": {"enabled": self.fixed, "guest": guest},
                    "sso": {},
                    "sso_providers": [],
                }
            elif name == "auth.login":
                token = self.log_in(headers.get("Authorization"))
                data = {"token": token}
                cookies = self.config.get("apiserver.auth.cookies", {})
                secure = "Secure; " if cookies.get("secure", False) is True else ""
                sent["Set-Cookie"] = (
                    f"clearml_token_basic={token}; Max-Age=99999999999; {secure}HttpOnly; Path=/; SameSite=Lax"
                )
            elif name == "server.get_stats":
                self.authorize(headers, ("system", "root", "admin"))
            elif name == "server.config":
                self.authorize(headers, ("system", "root"))
                data = self.config.get(json.loads(body or b"{}").get("path", ""), {})
            else:
                raise Refused(404, 0, "Unable to find endpoint")
        except Refused as refused:
            status, subcode, message = refused.status, refused.subcode, str(refused)
        except Exception as error:  # As the server does: whatever it is, it is answered.
            status, subcode, message = 500, 100, f"General data error ({error})"
            if self.config.get("apiserver.return_stack_to_caller", self.version < (2, 1)) is not False:
                stack = traceback.format_exc()
        meta = {
            "endpoint": {"name": name},
            "result_code": status,
            "result_subcode": subcode,
            "result_msg": message,
            "error_stack": stack,
        }
        return status, sent, json.dumps({"meta": meta, "data": data}).encode()


class Memory:
    """Which tokens the file server has accepted: `token_<sha256>` for twelve hours, in Redis' database 8."""

    def __init__(self, port):
        self.port, self.own = port, set()

    def redis(self, *words):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            for command in (("SELECT", "8"), words):
                text = f"*{len(command)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in command)
                connection.sendall(text.encode())
                answer = connection.recv(4096)
        return answer

    @staticmethod
    def key(token):
        return "token_" + hashlib.sha256(token.encode()).hexdigest()

    def has(self, token):
        if self.port is None:
            return token in self.own
        return self.redis("EXISTS", self.key(token)) == b":1\r\n"

    def add(self, token):
        if self.port is None:
            self.own.add(token)
        else:
            self.redis("SETEX", self.key(token), "43200", "1")


class Files:
    """The file server. It asks the API server for nothing after its start, so both read the same token secret there."""

    def __init__(self, config, version, api, memory, stale):
        self.api, self.memory, self.stale = api, memory, stale
        self.guarded = version >= (1, 16) and config.get("fileserver.auth.enabled", True) is not False
        pair = tuple(config.get(f"secure.credentials.fileserver.{half}", "") for half in ("user_key", "user_secret"))
        # It logs in at its start, and ends where that fails.
        self.starts = version < (1, 16) or (api.accounts.get("fileserver") == pair and api.can_sign())

    def answer(self, method, path, headers, body):
        sent = {"Access-Control-Allow-Origin": headers.get("Origin", "*"), "Content-Type": "text/html"}
        if method == "OPTIONS":
            return 200, sent, b""
        token = None
        header = headers.get("Authorization", "")
        cookie = re.search(r"clearml_token_basic=([^;]+)", headers.get("Cookie", ""))
        if header.startswith("Bearer "):
            token = header[7:]
        elif cookie:
            token = cookie[1]
        if self.guarded and not (path == "/" and method == "GET" and token is None):
            if token is None:
                reason = "Only bearer token authorization is supported" if header else "Missing token"
                return 401, sent, reason.encode()
            if not self.memory.has(token):
                if self.stale > 0:
                    # Its own session is from before; it gets a new one for the next request.
                    self.stale -= 1
                    return 401, sent, b"Failed validating token"
                try:
                    jwt.decode(token, self.api.secret, algorithms=ALGORITHMS)
                except jwt.PyJWTError as error:
                    return 401, sent, str(error).encode()
                self.memory.add(token)
        if path == "/":
            return 200, sent, b"OK" if method == "GET" else b"[]"
        return 404, sent, b"not found"


class Web:
    """The web server: pages, and both others below it."""

    def __init__(self, variables, api, files):
        self.variables, self.api, self.files = variables, api, files

    def answer(self, method, path, headers, body):
        if path.startswith("/api/"):
            return self.api.answer(method, path[4:], headers, body)
        if path.startswith("/files/"):
            if not self.files.starts:
                return 502, {"Content-Type": "text/html"}, b"Bad Gateway"
            return self.files.answer(method, path[6:], headers, body)
        if path == "/credentials.json":
            names = {"userKey": "USER_KEY", "userSecret": "USER_SECRET", "companyID": "COMPANY_ID"}
            if any(name in self.variables for name in names.values()):
                served = {key: self.variables.get(name, "") for key, name in names.items()}
                return 200, {"Content-Type": "application/json"}, json.dumps(served).encode()
        return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>ClearML</title>"


def serve(part, name, given, lock, late=0):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer goes out as soon as it is there; `delay` is all that it waits for.
        disable_nagle_algorithm = True

        def respond(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(given.get("delay", 0))
            status, headers, answer = part.answer(self.command, self.path, self.headers, body)
            if "record" in given:
                entry = {
                    "server": name, "method": self.command, "path": self.path, "status": status,
                    "authorization": self.headers.get("Authorization"),
                    "length": len(body), "type": self.headers.get("Content-Type"),
                }
                with lock, open(given["record"], "a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
            self.send_response_only(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = respond

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

    server = Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.server_bind()

    def run():
        time.sleep(late)
        server.server_activate()
        server.serve_forever()

    if not late:
        server.server_activate()
    threading.Thread(target=run if late else server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    given = json.loads(sys.stdin.readline())
    text = given.get("version", "2.0.0")
    version = release(text)
    compose = yaml.safe_load(Path(given["compose"]).read_text())
    variables = dotenv(given.get("env_file"))
    configs = {
        name: load(environment(compose, name, variables), given.get("config"), version)
        for name in ("apiserver", "fileserver")
    }
    api = Api(configs["apiserver"], version, text)
    files = Files(configs["fileserver"], version, api, Memory(given.get("redis")), given.get("stale", 0))
    web = Web(environment(compose, "webserver", variables), api, files)
    lock = threading.Lock()
    ports = {"api": serve(api, "apiserver", given, lock), "web": serve(web, "webserver", given, lock)}
    if files.starts:
        ports["files"] = serve(files, "fileserver", given, lock, given.get("late", 0))
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


main()
