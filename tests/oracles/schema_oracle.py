"""Holds JSON documents against a schema: schema_oracle.py SCHEMA < one document a line.

Prints a line for each document that does not fit, and exits with 1 if there is one.
"""

import json
import sys

import fastjsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    validate = fastjsonschema.compile(json.load(file), use_formats=False)

status = 0
for number, line in enumerate(sys.stdin, start=1):
    try:
        validate(json.loads(line))
    except fastjsonschema.JsonSchemaException as error:
        print(f"document {number}: {error.message}")
        status = 1
sys.exit(status)
