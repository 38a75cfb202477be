"""What a measurement is made of: sources of our own modules and versions of everybody else's."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from packaging.requirements import Requirement

from unlocked.extensions import EXTENSIONS

INSTALLED = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib")}

CYTHON_IMPORT = re.compile(r"^(?:from|import) ([\w.]+)", re.MULTILINE)
DECLARING = "unlocked.extensions"
"""The module that names all extensions and imports none of them."""


def sources(modules: Iterable[str]) -> str:
    """Hash of the sources of these modules and of all our own modules that they import.

    Parameters
    ----------
    modules : iterable of str
        Dotted names. Compiled modules count with their ``.pyx`` and flags. What is installed
        from a distribution does not count here but in :func:`versions`.
    """
    digest = hashlib.sha256()
    own, _ = _closure(frozenset(modules))
    for name in sorted(own):
        digest.update(name.encode())
        digest.update(_content(name))
    return digest.hexdigest()


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Versions of the distributions that these modules import, and of what those require."""
    _, foreign = _closure(frozenset(modules))
    by_package = _packages()
    wanted = {name for package in foreign for name in by_package.get(package, [])}
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[_canonical(name)] = distribution.version
        wanted |= {need for need in _needs(name) if _canonical(need) not in found}
    return dict(sorted(found.items()))


def imported(code: str, package: str = "") -> set[str]:
    """Names of the modules that a piece of Python source imports, anywhere in it.

    ``from a import b`` gives both ``a`` and ``a.b``, for `b` may be a module.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(base, package) if node.level else base
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and node.value in EXTENSIONS:
            names.add(str(node.value))
    return names


def targets(value: object) -> Iterator[str]:
    """Modules of all ``module:function`` texts anywhere in a literal value."""
    if isinstance(value, str):
        if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", value):
            yield value.partition(":")[0]
    elif isinstance(value, dict):
        for item in value.values():
            yield from targets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from targets(item)


@cache
def _closure(modules: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Our own modules reached from these, and the foreign top-level packages they import."""
    own: set[str] = set()
    foreign: set[str] = set()
    waiting = set(modules)
    while waiting:
        name = waiting.pop()
        if not name or name in own or name.partition(".")[0] in sys.stdlib_module_names:
            continue
        origin = _origin(name)
        if origin is None:
            continue
        if any(origin.is_relative_to(place) for place in INSTALLED):
            foreign.add(name.partition(".")[0])
            continue
        own.add(name)
        waiting |= _imports_of(name, origin) | {name.rpartition(".")[0]}
    return frozenset(own), frozenset(foreign)


def _imports_of(name: str, origin: Path) -> set[str]:
    if name in EXTENSIONS:
        source = EXTENSIONS[name].source.read_text(encoding="utf-8")
        return {"Cython", *CYTHON_IMPORT.findall(source)}
    if origin.suffix != ".py":
        return set()
    package = name if origin.name == "__init__.py" else name.rpartition(".")[0]
    names = imported(origin.read_text(encoding="utf-8"), package)
    return names - set(EXTENSIONS) if name == DECLARING else names


def _origin(name: str) -> Path | None:
    """File of a module, found without importing anything; None where `name` is no module."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top) if top else None
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None  # a name within a module
        top = f"{top}.{part}"
        spec = PathFinder.find_spec(top, list(spec.submodule_search_locations))
    if spec is None or spec.origin in (None, "built-in", "frozen"):
        return None
    return Path(str(spec.origin)).resolve()


def _content(name: str) -> bytes:
    if name in EXTENSIONS:
        return EXTENSIONS[name].digest().encode()
    origin = _origin(name)
    assert origin is not None
    return origin.read_bytes()


@cache
def _packages() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


@cache
def _needs(distribution: str) -> frozenset[str]:
    """Names of the distributions that one requires on this machine, without its extras."""
    texts = importlib.metadata.requires(distribution) or []
    parsed = map(Requirement, texts)
    return frozenset(
        need.name for need in parsed if need.marker is None or need.marker.evaluate({"extra": ""})
    )


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
