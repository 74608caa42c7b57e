"""Fetches the official schema of SARIF 2.1.0: fetch_sarif_schema.py TARGET.

It is not part of this project. The crate serde-sarif carries it, and crates.io hands that out for good.
"""

import hashlib
import io
import sys
import tarfile
import urllib.request

URL = "https://static.crates.io/crates/serde-sarif/serde-sarif-0.8.0.crate"
SHA256 = "a053c46f18a8043570d4e32fefc4c6377f82bf29ec310a33e93f273048e3b0be"
MEMBER = "serde-sarif-0.8.0/src/schema.json"

request = urllib.request.Request(URL, headers={"User-Agent": "clearml-secure-tests"})
with urllib.request.urlopen(request, timeout=60) as response:
    crate = response.read(1 << 20)
if hashlib.sha256(crate).hexdigest() != SHA256:
    sys.exit(f"{URL}: not the file that was expected")
with tarfile.open(fileobj=io.BytesIO(crate)) as archive:
    schema = archive.extractfile(MEMBER).read()
with open(sys.argv[1], "wb") as file:
    file.write(schema)
