"""Which origins an entry of `cors.origins` lets in, as flask_cors decides it with Python's regular expressions.

Reads one JSON object a line, {"entry": TEXT, "origins": [TEXT, ...]}, and answers each with one line: {"ok": [BOOLEAN, ...]}
or {"error": NAME OF THE EXCEPTION}.
"""

import json
import re
import sys
import warnings

SIGNS = "*\\]?$^[()"

warnings.simplefilter("ignore")
for line in sys.stdin:
    question = json.loads(line)
    entry = ".*" if question["entry"] == "*" else question["entry"]
    try:
        if any(sign in entry for sign in SIGNS):
            expression = re.compile(entry, re.IGNORECASE)
            found = [expression.match(origin) is not None for origin in question["origins"]]
        else:
            found = [entry.casefold() == origin.casefold() for origin in question["origins"]]
        print(json.dumps({"ok": found}), flush=True)
    except re.error as error:
        print(json.dumps({"error": type(error).__name__}), flush=True)
