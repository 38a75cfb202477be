"""The source of a function as it stands in the package, from ``.py``, ``.pyx`` or ``.h``.

What a chapter prints is what is tested and timed.
"""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
HEAD = r"(?:def|cdef|cpdef|class|async def)\b"
DOCSTRING = re.compile(r'[rRbBuU]{0,2}("""|\'\'\')[\s\S]*?\1[^\n]*\n')


def listing(*targets: Callable[..., Any] | str, docstring: bool = True) -> str:
    """Return the source of functions or classes as Markdown, one fenced block a module.

    Parameters
    ----------
    *targets : function or str
        The object itself, or ``"module:name"``. Functions compiled by Cython are found in the
        ``.pyx`` beside the module, functions compiled by Numba where they were written. A C
        function is named as ``"package.header.h:name"``.
    docstring : bool
        Whether to keep the docstrings.

    Raises
    ------
    ValueError
        Where a target is not of that form, or the module's source has no such name.
    """
    if not targets:
        raise ValueError("name at least one function to list, as an object or 'module:name'")
    blocks: dict[str, list[str]] = {}
    for target in targets:
        module, name = _address(target)
        text = definition(_source_file(module).read_text(encoding="utf-8"), name, module)
        blocks.setdefault(module, []).append(text if docstring else _without_docstring(text))
    return "\n\n".join(_fence(module, texts) for module, texts in blocks.items())


def definition(source: str, name: str, module: str) -> str:
    """Cut one top-level function or class out of a module's source.

    Decorators and comments that stand right above it come with it.
    """
    if module.endswith(".h"):
        return _c_definition(source, name, module)
    head = re.compile(rf"{HEAD}[^#\n]*?\b{re.escape(name)}\s*[(:]")
    lines = source.splitlines()
    start = next((i for i, line in enumerate(lines) if head.match(line)), None)
    if start is None:
        raise ValueError(f"the source of {module} defines no {name!r} at its top level")
    end = _end_of_signature(lines, start) + 1
    while end < len(lines) and (not lines[end].strip() or lines[end][0].isspace()):
        end += 1
    while start and lines[start - 1].strip():
        start -= 1
    return "\n".join(lines[start:end]).rstrip() + "\n"


def _c_definition(source: str, name: str, module: str) -> str:
    """Cut out a C function; its first line and last bracket stand in the first column."""
    lines = source.splitlines()
    head = re.compile(rf"[A-Za-z_].*\b{re.escape(name)}\((?!.*;$)")
    start = next((i for i, line in enumerate(lines) if head.match(line)), None)
    if start is None:
        raise ValueError(f"the source of {module} defines no {name!r} at its top level")
    end = lines.index("}", start) + 1
    while start and lines[start - 1].strip():
        start -= 1
    return "\n".join(lines[start:end]) + "\n"


def _address(target: Callable[..., Any] | str) -> tuple[str, str]:
    if isinstance(target, str):
        module, colon, name = target.partition(":")
        if not (module and colon and name):
            raise ValueError(f"a function is named as 'module:name', not {target!r}")
        return module, name
    target = getattr(target, "py_func", target)
    return target.__module__, target.__qualname__


def _source_file(module: str) -> Path:
    if module.endswith(".h"):
        package, _, header = module.removesuffix(".h").rpartition(".")
        return _beside(package, f"{header}.h")
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ValueError(f"there is no module {module!r} with a source to list")
    path = Path(found.origin)
    if path.suffix != ".py":
        path = path.with_name(path.name.partition(".")[0] + ".pyx")
    if not path.is_file():
        raise ValueError(f"the source of {module} is not installed beside it")
    return path


def _beside(package: str, name: str) -> Path:
    found = importlib.util.find_spec(package)
    path = Path(found.origin).with_name(name) if found and found.origin else None
    if path is None or not path.is_file():
        raise ValueError(f"there is no {name} in {package} to list")
    return path


def _end_of_signature(lines: list[str], start: int) -> int:
    """Index of the line on which the brackets opened by a definition are closed again."""
    depth = 0
    for i in range(start, len(lines)):
        code = lines[i].partition("#")[0]
        depth += sum(BRACKETS.get(character, 0) for character in code)
        if depth == 0 and code.rstrip().endswith(":"):
            return i
    return start


def _without_docstring(text: str) -> str:
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if re.match(HEAD, line)), None)
    if first is None:
        return text
    body = _end_of_signature(lines, first) + 1
    rest = "".join(lines[body:])
    match = DOCSTRING.match(rest.lstrip())
    return text if match is None else "".join(lines[:body]) + rest.lstrip()[match.end() :]


def _fence(module: str, texts: list[str]) -> str:
    language = {".pyx": "cython", ".h": "c"}.get(_source_file(module).suffix, "python")
    code = "\n\n".join(texts)
    ticks = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
    return f"From `{module}`:\n\n{ticks}{language}\n{code}{ticks}"
