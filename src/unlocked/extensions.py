"""The compiled modules: what they are built from, and the guards against stale binaries.

``setup.py`` builds what is declared here; importers go through :func:`load`, which refuses a
binary whose sources or flags have changed since it was built. Standard library only, because
``setup.py`` imports this file before anything is installed.
"""

import hashlib
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

SRC = Path(__file__).resolve().parents[1]
REBUILD = "run `make env` (or `pip install --no-deps --no-build-isolation -e .`)"


@dataclass(frozen=True)
class Extension:
    """A Cython module: its dotted name (the ``.pyx`` and headers stand beside it) and flags."""

    name: str
    headers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ("-O3", "-ffp-contract=off")

    @property
    def source(self) -> Path:
        return SRC.joinpath(*self.name.split(".")).with_suffix(".pyx")

    def digest(self) -> str:
        """Hash of everything the binary is made from."""
        files = [self.source, *(self.source.with_name(name) for name in self.headers)]
        content = b"".join(file.read_bytes() for file in files) + " ".join(self.flags).encode()
        return hashlib.sha256(content).hexdigest()[:16]


EXTENSIONS = {
    extension.name: extension
    for extension in (
        Extension("unlocked._heartbeat"),
        Extension("unlocked.lab._control"),
        Extension("unlocked.kernels._ou"),
        Extension("unlocked.kernels._masked"),
        Extension("unlocked.kernels._forest", headers=("forest.h",)),
        Extension(
            "unlocked.kernels._lanes",
            headers=(
                "lanes.h",
                "lanes_kernels.h",
                "lanes_plain.h",
                "lanes_avx2.h",
                "lanes_avx512.h",
            ),
        ),
    )
}


def load(name: str) -> ModuleType:
    """Import a compiled module, refusing one that does not match its source.

    Parameters
    ----------
    name : str
        Dotted name, one of ``EXTENSIONS``.

    Raises
    ------
    ImportError
        Where the binary is missing or stale; the message names the command that mends it.
    """
    extension = EXTENSIONS[name]
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(f"{name} is not built: {REBUILD}") from error
    if extension.digest() != module.SOURCE_DIGEST:
        raise ImportError(f"{name} is older than {extension.source.name}: {REBUILD}")
    return module


def numba_cache() -> str:
    """Folder of Numba's cache, keyed by all kernels, within ``NUMBA_CACHE_DIR`` where it is set.

    Numba does not notice an edited callee in another file; a folder of its own for every
    state of the kernels does.
    """
    digest = hashlib.sha256()
    for path in sorted((SRC / "unlocked" / "kernels").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    chosen = os.environ.get("NUMBA_CACHE_DIR") or SRC.parent / "_build" / "numba"
    return str(Path(chosen) / digest.hexdigest()[:16])
