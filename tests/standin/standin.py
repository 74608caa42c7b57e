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
    pyjwt      "old" for the library's generation that works with an empty secret
    databases  false where MongoDB and Elasticsearch are away
    failing    names and keys at whose logins something before the server answers 503
    late       seconds until the file server listens, as while it waits for the API server
    ports      the ports of "api", "web" and "files", where they must be known before; without it, any free ones
    record     a file to which every request is added, one JSON object a line
    rounds     true for a `round` in each, which is one more than that of any request that was answered before it came

It prints the ports as JSON when it is ready, and ends with its standard input.
"""

import base64
import hashlib
import hmac
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
# The accounts that an image comes with, in the order in which they are set up, and their roles.
ACCOUNTS = {
    "apiserver": "system",
    "fileserver": "system",
    "webserver": "system",
    "services_agent": "admin",
    "tests": "user",
}
ROLES = ("system", "root", "admin", "superuser", "user", "annotator", "guest")
API_VERSIONS = {
    (1, 14): "2.28", (1, 15): "2.29", (1, 16): "2.30", (1, 17): "2.31",
    (2, 0): "2.31", (2, 1): "2.32", (2, 2): "2.33", (2, 3): "2.34",
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
    for switch in ("return_stack", "return_stack_to_caller"):
        tree.put(f"apiserver.{switch}", version < (2, 1))
    tree.put("fileserver.auth.enabled", version >= (1, 16))
    for account, role in ACCOUNTS.items():
        if version < {"fileserver": (1, 16), "services_agent": (1, 11)}.get(account, (0,)):
            continue
        for half in ("user_key", "user_secret"):
            path = f"secure.credentials.{account}.{half}"
            if tree.get(path, None) is None:
                tree.put(path, "")
        tree.put(f"secure.credentials.{account}.role", role)
        tree.put(f"secure.credentials.{account}.revoke_in_fixed_mode", account in ("webserver", "tests"))
    return tree


def truth(config, path):
    """Whether a switch is on: what Python makes of its value, and not where a scalar or nothing is in the way."""
    *parents, _ = path.split(".")
    for length in range(1, len(parents) + 1):
        if not isinstance(config.get(".".join(parents[:length]), None), dict):
            return False
    return bool(config.get(path, False))


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


def console(headers):
    """Werkzeug's debugger, which trusts names of the machine's own."""
    host = headers.get("Host", "").rsplit(":", 1)[0]
    if host not in ("localhost", "127.0.0.1"):
        return 400, {"Content-Type": "text/html"}, b"<title>400 Bad Request</title>"
    page = "<title>Console // Werkzeug Debugger</title><script>var CONSOLE_MODE = true, EVALEX = true</script>"
    return 200, {"Content-Type": "text/html"}, page.encode()


class Jwt:
    """The library of a generation. The older one works with an empty secret, the newer one does not."""

    def __init__(self, secret, is_old):
        self.secret, self.is_by_hand = secret, is_old and secret == ""

    @staticmethod
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def encode(self, claims):
        if not self.is_by_hand:
            return jwt.encode(claims, self.secret, algorithm="HS256")
        signed = b".".join(self.part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
        return (signed + b"." + self.part(hmac.new(b"", signed, hashlib.sha256).digest())).decode()

    def decode(self, token):
        if not self.is_by_hand:
            return jwt.decode(token, self.secret, algorithms=ALGORITHMS)
        signed, _, signature = token.encode().rpartition(b".")
        digests = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
        digest = digests.get(jwt.get_unverified_header(token).get("alg"))
        if digest is None:
            raise jwt.InvalidAlgorithmError("The specified alg value is not allowed")
        if signature != self.part(hmac.new(b"", signed, digest).digest()):
            raise jwt.InvalidSignatureError("Signature verification failed")
        return jwt.decode(token, options={"verify_signature": False})


class Api:
    """The API server."""

    def __init__(self, config, version, text, given):
        self.config, self.version, self.text = config, version, text
        self.jwt = Jwt(config.get("secure.auth.token_secret", None), given.get("pyjwt") == "old")
        self.has_databases = given.get("databases", True)
        self.others, self.workers = given.get("others", []), given.get("workers", [])
        self.fixed = truth(config, "apiserver.auth.fixed_users.enabled")
        self.hashed = truth(config, "apiserver.auth.fixed_users.pass_hashed")
        self.guest = truth(config, "services.auth.fixed_users.guest.enabled")
        self.debug = truth(config, "apiserver.debug")
        # The database was there before: with the defaults, until the set-up replaces them.
        self.accounts, self.users = {}, {}
        self.set_up(defaults(version))
        is_whole = self.set_up(config)
        self.is_broken = False
        if self.fixed:
            for account, tree in config.get("secure.credentials").items():
                if isinstance(tree, dict) and tree.get("revoke_in_fixed_mode", False):
                    self.accounts.pop(account, None)
            try:
                users = [self.user(entry) for entry in config.get("apiserver.auth.fixed_users.users", [])]
                names = [user["username"] for user in users]
                if is_whole and len(set(names)) == len(names):
                    self.users = dict(zip(names, users))
            except TypeError:
                self.is_broken = True  # Each login makes them again, and fails.

    def set_up(self, config):
        """Every sub-tree is an account. One that is none ends it, and later ones keep what they had."""
        for account, tree in config.get("secure.credentials").items():
            if not isinstance(tree, dict) or tree.get("role", None) not in ROLES:
                return False
            pair = [tree.get(half, "") for half in ("user_key", "user_secret")]
            if not all(isinstance(half, str) for half in pair):
                return False
            if all(pair):
                self.accounts[account] = (*pair, tree["role"])
            else:
                self.accounts.pop(account, None)
        return True

    @staticmethod
    def user(entry):
        def made(username, password, name, company=COMPANY, is_guest=False):
            return {"username": username, "password": password, "company": company, "is_guest": is_guest}

        return made(**entry)

    def sign(self, user, role, company=COMPANY):
        claims = {
            "iat": int(time.time()), "auth_type": "Bearer", "env": "<unknown>",
            "identity": {"user": user, "company": company, "role": role},
            "server_version": self.text, "api_version": API_VERSIONS.get(self.version[:2], "2.27"),
        }
        if role != "system":
            claims["exp"] = claims["iat"] + 2592000
        return self.jwt.encode(claims)

    def can_log_in(self, pair):
        try:
            return self.log_in("Basic " + base64.b64encode(":".join(map(str, pair)).encode()).decode()) is not None
        except Exception:
            return False

    def log_in(self, header):
        kind, _, text = (header or "").partition(" ")
        if not header:
            raise Refused(401, 20, "Unauthorized (missing credentials)")
        if kind != "Basic":
            raise Refused(401, 10, "Unauthorized (bad authentication header type)")
        key, _, secret = base64.b64decode(text).decode().partition(":")
        if self.is_broken:
            raise TypeError("__init__() got an unexpected keyword argument")
        guest = [self.config.get(f"services.auth.fixed_users.guest.{half}", "guest") for half in ("username", "password")]
        user = self.users.get(key)
        if self.guest and key == guest[0]:
            user = {"username": key, "password": guest[1], "company": COMPANY, "is_guest": True}
        if user is not None:
            if self.hashed:
                right = bcrypt.checkpw(secret.encode(), base64.b64decode(user["password"], validate=True))
            else:
                right = user["password"] == secret
            if not right or user["company"] != COMPANY:
                raise Refused(401, 22, "Unauthorized (bad username or password)")
            return self.sign(key, "guest" if user["is_guest"] else "user")
        for account, (*pair, role) in self.accounts.items():
            if pair == [key, secret]:
                return self.sign(f"__{account}__", role)
        raise Refused(401, 22, "Unauthorized (invalid credentials) (failed to locate provided credentials)")

    def authorize(self, headers, roles):
        header = headers.get("Authorization", "")
        if header.startswith("Basic "):
            self.log_in(header)
            return
        if not header.startswith("Bearer "):
            raise Refused(401, 20, "Unauthorized (missing credentials)")
        claims = self.claims(header[7:])
        # As the server stumbles over a token that says nobody.
        role = (claims["identity"],)[0]["role"] if "identity" in claims else ()[0]
        if role not in roles:
            raise Refused(403, 20, f"Forbidden (not allowed for role): role={role}, allowed={roles}")

    def claims(self, token):
        try:
            return self.jwt.decode(token)
        except jwt.exceptions.InvalidKeyError as error:
            raise Refused(401, 30, f"Invalid token (jwt invalid key error): reason={error}") from None
        except jwt.PyJWTError as error:
            raise Refused(401, 30, f"Invalid token (invalid jwt token): reason={error}") from None

    @staticmethod
    def user_id(name):
        return hashlib.md5(f"{COMPANY}:{name}".encode()).hexdigest()

    def listed_users(self, asked):
        """A page of the users: those of the list, one of the accounts, and anyone who made themselves one."""
        users = [{"id": self.user_id(name), "name": name, "company": COMPANY} for name in self.users]
        users += [{"id": self.user_id(name), "name": name, "company": COMPANY} for name in self.others]
        users += [{"id": f"__{name}__", "name": name, "company": COMPANY} for name in self.accounts if name == "tests"]
        if "page_size" in asked:
            start = asked.get("page", 0) * asked["page_size"]
            users = users[start:start + asked["page_size"]]
        only = asked.get("only_fields")
        return [{field: user[field] for field in only} for user in users] if only else users

    def listed_workers(self, asked):
        """The agents that were active, each with the user whose keys it has."""
        seconds = asked.get("last_seen", 3600)
        def shown(worker):
            who = worker["user"]
            user = who if who.startswith("__") else self.user_id(who)
            return {"id": worker["id"], "user": {"id": user, "name": who}, "company": {"id": COMPANY, "name": "clearml"}}
        return [shown(worker) for worker in self.workers if not seconds or worker.get("age", 0) <= seconds]

    def validated(self, body):
        try:
            self.claims(json.loads(body or b"{}")["token"])
        except Refused as refused:
            return {"valid": False, "msg": str(refused)}
        return {"valid": True}

    def allows(self, origin):
        """As flask_cors does: each entry is a regular expression if it looks like one."""
        origins = self.config.get("apiserver.cors.origins", "*")
        for entry in origins if isinstance(origins, list) else [origins]:
            is_expression = any(c in entry for c in "*\\]?$^[()")
            if entry in ("*", origin) or is_expression and re.match(entry, origin, re.IGNORECASE):
                return True
        return False

    def modes(self):
        guest = {"enabled": self.guest}
        if self.guest:
            settings = "services.auth.fixed_users.guest"
            guest |= {"name": "Guest"} | {
                half: self.config.get(f"{settings}.{half}", "guest") for half in ("username", "password")
            }
        return {
            "authenticated": False,
            "basic": {"enabled": self.fixed, "guest": guest},
            "server_errors": {},
            "sso": {},
            "sso_providers": [],
        }

    def data(self, name, version, headers, body, sent):
        if "/" in name or not name:
            raise Refused(400, 0, f"Invalid request path {name}")
        if name == "debug.ping":
            return {"msg": "ClearML server"}
        if name == "server.info":
            if self.version >= (2, 3):
                self.authorize(headers, ROLES)
            info = {"version": self.text, "build": "", "commit": "", "api_version": API_VERSIONS.get(self.version[:2])}
            return info | ({"uid": "00000000"} if version in ("2.8", "2.9", "2.10", "2.11") else {})
        if name in ("login.supported_modes", "auth.fixed_users_mode"):
            return self.modes()
        if name == "login.logout":
            return {}
        if name == "auth.login":
            token = self.log_in(headers.get("Authorization"))
            cookies = self.config.get("apiserver.auth.cookies", {})
            secure = "Secure; " if cookies.get("secure", False) else ""
            sent["Set-Cookie"] = (
                f"clearml_token_basic={token}; Max-Age=99999999999; {secure}HttpOnly; Path=/; SameSite=Lax"
            )
            return {"token": token}
        if name == "auth.validate_token":
            self.authorize(headers, ("system", "root"))
            return self.validated(body)
        if name == "server.get_stats":
            self.authorize(headers, ("system", "root", "admin"))
            if not self.has_databases:
                raise ConnectionError("localhost:27017: [Errno 111] Connection refused")
            return {}
        if name == "server.config":
            self.authorize(headers, ("system", "root"))
            return self.config.get(json.loads(body or b"{}").get("path", ""), {})
        if name == "users.get_all":
            self.authorize(headers, ROLES)
            return {"users": self.listed_users(json.loads(body or b"{}"))}
        if name == "workers.get_all":
            self.authorize(headers, ROLES)
            return {"workers": self.listed_workers(json.loads(body or b"{}"))}
        if name == "tasks.get_all":
            self.authorize(headers, ROLES)
            return {}
        raise Refused(404, 0, "Unable to find endpoint")

    def answer(self, method, path, headers, body):
        name = path.strip("/").split("?")[0]
        if self.debug and name == "console":
            return console(headers)
        version = re.match(r"v(\d+\.\d+)/", name)
        name = re.sub(r"^v\d+(\.\d+)?/", "", name)
        sent = {"server": "clearml", "Content-Type": "application/json"}
        if "Origin" in headers and self.allows(headers["Origin"]):
            sent["Access-Control-Allow-Origin"] = headers["Origin"]
            sent["Access-Control-Allow-Credentials"] = "true"
        if "Content-Encoding" in headers:
            return 415, sent, b"Content encoding is not supported"
        data, status, subcode, message, stack = {}, 200, 0, "OK", None
        try:
            data = self.data(name, version and version[1], headers, body, sent)
        except Refused as refused:
            status, subcode, message = refused.status, refused.subcode, str(refused)
        except Exception as error:  # As the server does: whatever it is, it is answered.
            status, subcode, message = 500, 100, f"General data error: err={error}"
            switches = ("apiserver.return_stack", "apiserver.return_stack_to_caller")
            if all(truth(self.config, switch) for switch in switches):
                stack = traceback.format_exc()
        meta = {
            "id": "0", "trx": "0",
            "endpoint": {"name": name, "requested_version": "2.30", "actual_version": "1.0"},
            "result_code": status,
            "result_subcode": subcode,
            "result_msg": message,
            "error_stack": stack,
            "error_data": {},
        }
        return status, sent, json.dumps({"meta": meta, "data": data}).encode()


class Memory:
    """Which tokens the file server has accepted: `token_<sha256>` for twelve hours, in Redis' database 8."""

    def __init__(self, port, host="127.0.0.1", password=None):
        self.port, self.host, self.own = port, host, set()
        self.greeting = [("AUTH", password)] if password else []

    def redis(self, *words):
        with socket.create_connection((self.host, self.port)) as connection:
            for command in (*self.greeting, ("SELECT", "8"), words):
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
        self.guarded = version >= (1, 16) and truth(config, "fileserver.auth.enabled")
        self.debug = truth(config, "fileserver.debug")
        pair = [config.get(f"secure.credentials.fileserver.{half}", "") for half in ("user_key", "user_secret")]
        # It logs in at its start, and ends where that fails.
        self.starts = not self.guarded or api.can_log_in(pair)

    def refusal(self, method, path, headers):
        """Why a request is refused, if it is."""
        header = headers.get("Authorization", "")
        cookie = re.search(r"clearml_token_basic=([^;]+)", headers.get("Cookie", ""))
        token = header[7:] if header.startswith("Bearer ") else cookie and cookie[1]
        if path == "/" and method == "GET" and not token:
            return None
        if not token:
            return "Only bearer token authorization is supported" if header else "Missing token"
        if self.memory.has(token):
            return None
        if self.stale > 0:
            # Its own session is from before; it gets a new one for the next request. It says what it says to nobody.
            self.stale -= 1
            return "Missing token"
        try:
            self.api.jwt.decode(token)
        except jwt.PyJWTError as error:
            return str(error)
        self.memory.add(token)
        return None

    def answer(self, method, path, headers, body):
        if self.debug and path == "/console":
            return console(headers)
        sent = {"server": "clearml", "Content-Type": "text/html"}
        sent["Access-Control-Allow-Origin"] = headers.get("Origin", "*")
        if method == "OPTIONS":
            return 200, sent, b""
        if "Content-Encoding" in headers:
            return 415, sent, b"Content encoding is not supported"
        if method == "PUT":
            return 405, sent, b"<!doctype html><title>405 Method Not Allowed</title>"
        if self.guarded:
            reason = self.refusal(method, path, headers)
            if reason is not None:
                return 401, sent, reason.encode()
        if path == "/":
            if method == "GET":
                return 200, sent, b"OK"
            return (200, sent, b"[]") if method == "POST" else (405, sent, b"")
        if path == "/delete_many" and method == "POST":
            missing = json.loads(body or b"{}").get("files", [])
            return 200, sent, json.dumps({"deleted": {}, "errors": {"Not found": missing}}).encode()
        return 404, sent, f"File {path} not found".encode()


class Web:
    """The web server: pages, and both others below it."""

    def __init__(self, variables, api, files):
        self.variables, self.api, self.files = variables, api, files
        self.sub_path = variables.get("CLEARML_SERVER_SUB_PATH", "")

    def answer(self, method, path, headers, body):
        if self.sub_path and path.startswith(f"/{self.sub_path}/"):
            path = path[len(self.sub_path) + 1:]
        status, sent, answer = self.page(method, path, headers, body)
        # nginx puts its own name in the place of that of the server behind it.
        sent.pop("server", None)
        return status, sent | {"Server": "nginx/1.22.1"}, answer

    def page(self, method, path, headers, body):
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
        if path == "/configuration.json":
            served = {}
            for name, value in self.variables.items():
                if name.startswith("WEBSERVER__"):
                    at = served
                    *parents, last = name[len("WEBSERVER__"):].split("__")
                    for parent in parents:
                        at = at.setdefault(parent, {})
                    at[last] = json.loads(value)
            return 200, {"Content-Type": "application/json"}, json.dumps(served).encode()
        return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>ClearML</title>"


class Record:
    """What was asked of all servers, and how many questions came after an answer, whatever the time that it took."""

    def __init__(self, given):
        self.path = given.get("record")
        self.with_rounds = given.get("rounds")
        self.lock = threading.Lock()
        self.answered = 0

    def begin(self):
        with self.lock:
            return self.answered + 1

    def end(self, begun, entry):
        with self.lock:
            if self.path:
                line = entry | {"round": begun} if self.with_rounds else entry
                with open(self.path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            self.answered = max(self.answered, begun)


def serve(part, name, given, record, late=0):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer goes out as soon as it is there; `delay` is all that it waits for.
        disable_nagle_algorithm = True

        def respond(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            begun = record.begin()
            time.sleep(given.get("delay", 0))
            if self.user() in given.get("failing", []):
                status, headers, answer = 503, {"Content-Type": "text/plain"}, b"try again later"
            else:
                status, headers, answer = part.answer(self.command, self.path, self.headers, body)
            record.end(begun, {
                "server": name, "method": self.command, "path": self.path, "status": status,
                "authorization": self.headers.get("Authorization"),
                "length": len(body), "type": self.headers.get("Content-Type"),
            })
            self.send_response_only(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        def user(self):
            scheme, _, pair = self.headers.get("Authorization", "").partition(" ")
            return base64.b64decode(pair).decode().split(":")[0] if scheme == "Basic" else None

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = respond

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

    port = given.get("ports", {}).get({"apiserver": "api", "webserver": "web", "fileserver": "files"}[name], 0)
    server = Server((given.get("address", "127.0.0.1"), port), Handler, bind_and_activate=False)
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
    api = Api(configs["apiserver"], version, text, given)
    files = Files(configs["fileserver"], version, api, Memory(given.get("redis")), given.get("stale", 0))
    web = Web(environment(compose, "webserver", variables), api, files)
    record = Record(given)
    ports = {"api": serve(api, "apiserver", given, record), "web": serve(web, "webserver", given, record)}
    if files.starts:
        ports["files"] = serve(files, "fileserver", given, record, given.get("late", 0))
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
