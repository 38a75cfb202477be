"""Cython's annotation: how much of the Python C API every line of a ``.pyx`` file calls."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from Cython.Compiler import Main

from unlocked.extensions import EXTENSIONS

SCORE = re.compile(r'<pre class="cython line score-(\d+)"')


@dataclass(frozen=True)
class Line:
    """One line of source: where it stands in its file, its text, and Cython's score.

    The score is what Cython shades a line by: 5 for every call into Python's C API, 2 for
    every call of Cython's own helpers around it, 1 for every macro of either. At 0 the line
    is plain C.
    """

    number: int
    source: str
    score: int


def lines(target: str) -> list[Line]:
    """Annotate one function of a compiled module.

    Parameters
    ----------
    target : str
        ``module:function``, the module one of ``unlocked.extensions.EXTENSIONS``.

    Returns
    -------
    list of Line
        The function from its ``def`` to its last line.

    Raises
    ------
    ValueError
        Where there is no such module or function.
    """
    module, _, function = target.partition(":")
    if module not in EXTENSIONS:
        raise ValueError(f"{module!r} is no compiled module: choose from {', '.join(EXTENSIONS)}")
    path = EXTENSIONS[module].source
    text = path.read_text(encoding="utf-8").splitlines()
    extent = _extent(text, function)
    if not extent:
        raise ValueError(f"{path.name} defines no {function!r}: write {module}:function")
    scores = _scores(path)
    return [Line(i + 1, text[i], scores[i]) for i in extent]


def _extent(text: list[str], function: str) -> range:
    """Indices of the lines of a top-level function; none where there is no such function."""
    head = re.compile(rf"(?:cp?)?def (?:.* )?{re.escape(function)}\(")
    first = next((i for i, line in enumerate(text) if head.match(line)), None)
    if first is None:
        return range(0)
    last = first
    for i in range(first + 1, len(text)):
        if text[i] and text[i][0] not in " )":
            break
        if text[i]:
            last = i
    return range(first, last + 1)


def _scores(source: Path) -> list[int]:
    """Score of every line, from the page that Cython writes about a copy of the file."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(source, folder))
        directives = {"show_performance_hints": False}
        Main.compile(str(copy), annotate=True, language_level=3, compiler_directives=directives)
        page = copy.with_suffix(".html").read_text(encoding="utf-8")
    return [int(score) for score in SCORE.findall(page)]
