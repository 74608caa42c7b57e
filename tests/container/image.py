"""Writes the file system of an image as a tar archive to standard output: image.py FOLDER REDIS-SERVER REDIS-CLI.

No image can be fetched where the tests run, so it is made of what this machine has: the Python that runs this, with the
libraries that the stand-in server uses, a Redis, the loader and the shared libraries of them all, and the files of
FOLDER. Programs and shared libraries stand where they do here, because that is where they look for each other.
"""

import importlib.util
import io
import marshal
import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

FOLDER, *PROGRAMS = sys.argv[1:]
# What no server of the tests needs, and much of the size.
LEFT_OUT = {"__pycache__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests", "tkinter"}
MODULES = ["_yaml", "bcrypt", "jwt", "pyhocon", "pyparsing", "dateutil", "yaml", "six.py"]
OURS = ["tests/standin/standin.py", "crates/core/data/known_defaults.toml", "tests/container/server.py"]


def below(folder):
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        yield from (Path(path, name) for name in files if not name.endswith(".a"))


def libraries(path):
    """The loader and the shared libraries of a program or a library, as the loader finds them."""
    said = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    words = [word for line in said.splitlines() for word in line.split() if word.startswith("/")]
    return {Path(word) for word in words if Path(word).exists()}


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def imported():
    """The files of all modules that a server imports at its start."""
    program = f"""
import sys
sys.path.insert(0, {str(Path(FOLDER, OURS[0]).parent)!r})
import encodings.idna, http.client, runpy, standin
print(*(one.__file__ for one in list(sys.modules.values()) if (getattr(one, "__file__", None) or "").endswith(".py")), sep="\\n")
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return {Path(line) for line in said.splitlines()}


def compiled(path):
    """What Python keeps of a module beside it, to be taken without a look at the module."""
    source = path.read_bytes()
    is_of_a_hash = (1).to_bytes(4, "little")
    code = compile(source, path.name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + is_of_a_hash + importlib.util.source_hash(source) + marshal.dumps(code)


def main():
    # Of several hundred starts, compiling would be most.
    ready = imported()

    def add(archive, path, name):
        archive.add(path, name)
        if path in ready:
            text = compiled(path)
            kept = tarfile.TarInfo(importlib.util.cache_from_source(name))
            kept.size = len(text)
            archive.addfile(kept, io.BytesIO(text))

    python = Path(sys.executable).resolve()
    files = set(below(sysconfig.get_path("stdlib"))) | {python}
    packages = Path(sysconfig.get_path("purelib"))
    modules = [packages / name for name in MODULES]
    files |= {file for path in modules for file in (below(path) if path.is_dir() else [path])}
    programs = {path for path in files if is_program(path)} | {Path(path).resolve() for path in PROGRAMS}
    files |= programs | {library for path in programs for library in libraries(path)}
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", dereference=True) as archive:
        for path in sorted(files):
            is_module = path.is_relative_to(packages)
            add(archive, path, f"app/packages/{path.relative_to(packages)}" if is_module else str(path).lstrip("/"))
        for name in OURS:
            add(archive, Path(FOLDER, name), f"app/{name}")
        for name, target in [("python3", python), *((Path(path).name, Path(path).resolve()) for path in PROGRAMS)]:
            link = tarfile.TarInfo(f"usr/bin/{name}")
            if Path("/", link.name) != target:
                link.type, link.linkname = tarfile.SYMTYPE, str(target)
                archive.addfile(link)
        # The job of which ClearML's compose file says its name.
        text = b"import runpy\nrunpy.run_path('/app/tests/container/server.py', run_name='__main__')\n"
        module = tarfile.TarInfo("opt/clearml/apiserver/jobs/async_urls_delete.py")
        module.size = len(text)
        archive.addfile(module, io.BytesIO(text))
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)


main()
