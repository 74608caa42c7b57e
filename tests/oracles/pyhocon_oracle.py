"""What pyhocon reads.

Reads one JSON object a line and answers each with one line:

    {"mode": "file", "text": TEXT, "env": {NAME: VALUE}, "files": {NAME: TEXT}}
    {"mode": "variable", "path": PATH, "text": VALUE, "env": {...}, "files": {...}}
    {"mode": "server", "layers": [[[KEY, TEXT], ...], ...], "variables": [[PATH, VALUE], ...], "paths": [[PATH, BOOLEAN], ...]}

The last is a file server: folders of files, each loaded at its key, one folder over the other, and variables over them. The
answer is {"ok": {PATH: BOOLEAN}}, whether Python takes what is at each path for true, or what is given for a path that is
nowhere.

With {"truth": true}, {"ok": BOOLEAN} says whether Python takes the value at the path of a variable for true. Otherwise
the answer is {"ok": TREE} or {"error": NAME OF THE EXCEPTION}. In a tree every value has its type:
{"object": [[KEY, VALUE], ...]}, {"list": [...]}, {"text": ...}, {"integer": DIGITS}, {"float": REPR},
{"boolean": ...}, {"null": true}, {"period": STR}, {"include": true}.

pyhocon builds its grammar anew for each text, which takes most of its time. Here it is built once and used
again, unless the question says {"whole": true}: then pyhocon's own function does everything.
"""

import contextlib
import datetime
import io
import json
import logging
import os
import re
import signal
import sys
import tempfile

import pyparsing
from dateutil.relativedelta import relativedelta
from pyhocon import ConfigFactory, ConfigTree, config_parser
from pyhocon.config_tree import ConfigInclude, ConfigValues, NoneValue

# The Rust side waits longer than this before it ends the process.
SECONDS = 10
AGAIN = 0.5
ADDRESS = re.compile(r"object at 0x[0-9a-f]+>")


class Open(Exception):
    """A substitution is left in the result."""


class RootList(Exception):
    """The text is a list."""


def tagged(value):
    if value is None or isinstance(value, NoneValue):
        return {"null": True}
    if isinstance(value, bool):
        return {"boolean": value}
    if isinstance(value, int):
        return {"integer": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, str):
        return {"text": ADDRESS.sub("object at 0x?>", value)}
    if isinstance(value, (datetime.timedelta, relativedelta)):
        try:
            return {"period": str(value)}
        except OverflowError:
            return {"period": "relativedelta(too large to be written)"}
    if isinstance(value, ConfigTree):
        return {"object": [[key, tagged(below)] for key, below in value.items()]}
    if isinstance(value, list):
        return {"list": [tagged(item) for item in value]}
    if isinstance(value, ConfigInclude):
        return {"include": True}
    if isinstance(value, ConfigValues):
        raise Open
    raise TypeError(type(value).__name__)


class Grammar:
    """pyhocon's grammar, caught when it is first used."""

    def __init__(self):
        self.expression = None

    def parse(self, text):
        if self.expression is None:
            self.catch()
        default = pyparsing.ParserElement.DEFAULT_WHITE_CHARS
        pyparsing.ParserElement.set_default_whitespace_chars(" \t")
        try:
            config = self.expression.parse_string(text, parse_all=True)[0]
            config_parser.ConfigParser.resolve_substitutions(config, False)
        finally:
            pyparsing.ParserElement.set_default_whitespace_chars(default)
        return config

    def catch(self):
        original = pyparsing.ParserElement.parse_string

        def caught(expression, *arguments, **options):
            self.expression = expression
            return original(expression, *arguments, **options)

        pyparsing.ParserElement.parse_string = caught
        ConfigFactory.parse_string("a: 1")
        pyparsing.ParserElement.parse_string = original


def refuse(*_, **__):
    raise OSError("this test opens no addresses")


class Limit:
    """Ends what takes too long.

    The timer repeats: Python ignores an exception that is raised in a finalizer, and a single alarm would be lost there.
    """

    def __init__(self):
        self.runs = False
        signal.signal(signal.SIGALRM, self.expire)

    def expire(self, *_):
        if self.runs:
            raise TimeoutError

    def __enter__(self):
        self.runs = True
        signal.setitimer(signal.ITIMER_REAL, SECONDS, AGAIN)

    def __exit__(self, *_):
        # The flag comes first: the timer may expire between these two lines.
        self.runs = False
        signal.setitimer(signal.ITIMER_REAL, 0)


def truths(question, grammar):
    folders = []
    for files in question["layers"]:
        folder = ConfigTree()
        for key, text in files:
            folder.put(key, grammar.parse(text))
        folders.append(folder)
    variables = ConfigTree()
    for path, text in question["variables"]:
        ConfigTree.merge_configs(variables, grammar.parse(f"{path}: {text}"))
    tree = ConfigTree()
    for layer in [*folders, variables]:
        tree = ConfigTree.merge_configs(tree, layer, copy_trees=True)
    return {path: bool(tree.get(path, absent)) for path, absent in question["paths"]}


def answer(question, grammar):
    if question["mode"] == "server":
        return truths(question, grammar)
    text = question["text"]
    if question["mode"] == "variable":
        text = f"{question['path']}: {text}"
    # The set of variables that `${NAME}` sees.
    os.environ = dict(question.get("env", {}))
    with contextlib.ExitStack() as stack:
        files = question.get("files")
        if files:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            for name, content in files.items():
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8", newline="") as file:
                    file.write(content)
            os.chdir(folder)
            stack.callback(os.chdir, "/")
        # An include does parse within the parser, and only the whole one sets its folder.
        if files or question.get("whole"):
            config = ConfigFactory.parse_string(text, "" if files else None)
        else:
            config = grammar.parse(text)
    if not isinstance(config, ConfigTree):
        raise RootList
    if question.get("truth"):
        return bool(config.get(question["path"], None))
    return tagged(config)


def main():
    logging.disable(logging.CRITICAL)
    config_parser.urlopen = refuse
    limit = Limit()
    grammar = Grammar()
    os.chdir("/")
    answers = sys.stdout
    sys.stdout = io.StringIO()
    for line in sys.stdin:
        try:
            with limit:
                found = {"ok": answer(json.loads(line), grammar)}
        except Exception as error:  # Whatever it is, a server would not start.
            found = {"error": type(error).__name__}
        print(json.dumps(found), file=answers, flush=True)


main()
