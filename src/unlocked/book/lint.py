"""The book's own rules: what a stored notebook and a page must and must not hold."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from IPython.core.inputtransformer2 import TransformerManager

from unlocked.book.parameters import ParameterError, parse_parameters
from unlocked.book.prose import Prose, read, typed_timings

PAGES = ("README.md", "book/**/*.md")
NOTEBOOKS = "notebooks/*.ipynb"

GENERATED = re.compile(r"<!-- (\w[\w-]*) -->.*?<!-- /\1 -->", re.DOTALL)
"""A block that a script writes: no one typed it."""

SHOW = {"unlocked.show.figure"}
DRAWING = re.compile(
    r"matplotlib\.pyplot\.(figure|subplots?|subplot_mosaic|axes|show|plot|scatter|barh?|hist\w*"
    r"|imshow|errorbar|fill_between\w*|boxplot|violinplot|semilog[xy]|loglog|step|stem|pcolor\w*"
    r"|contourf?|pie|gcf|gca)|matplotlib\.figure\.Figure"
)
PICTURES = {"IPython.display.Image", "IPython.display.SVG"}


@dataclass(frozen=True)
class Violation:
    """A rule that a file breaks, and what to do about it."""

    path: Path
    rule: str
    message: str
    cell: int | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = [str(self.path)]
        place += [f"cell {self.cell}"] if self.cell else []
        place += [f"line {self.line}"] if self.line else []
        return f"{', '.join(place)}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook as it is stored; `number` counts all cells from 1."""

    number: int
    kind: str
    source: str
    tags: frozenset[str]
    stored: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """A page or a notebook: its Markdown, by cell (None for a page), and its code cells."""

    path: Path
    prose: list[tuple[int | None, Prose]]
    cells: list[Cell]
    metadata: Mapping[str, Any]

    @property
    def anchors(self) -> set[str]:
        return {anchor for _, prose in self.prose for anchor in prose.anchors}


def lint(root: Path) -> list[Violation]:
    """Check the notebooks and pages of the book at `root`.

    Returns
    -------
    list of Violation
        By file and cell; empty where every rule is kept.
    """
    paths = [path for pattern in (*PAGES, NOTEBOOKS) for path in sorted(root.glob(pattern))]
    documents, found = [], []
    for path in paths:
        try:
            documents.append(_open(path, root))
        except ValueError as error:
            message = f"it is no notebook ({error}): write it again with JupyterLab"
            found.append(Violation(path.relative_to(root), "no-notebook", message))
    site = _Site(root, documents)
    for document in documents:
        if document.path.suffix == ".ipynb":
            found += lint_notebook(document)
        found += lint_prose(document)
        found += site.dead_links(document)
    return sorted(found, key=lambda violation: (violation.path, violation.cell or 0))


def lint_notebook(document: Document) -> Iterator[Violation]:
    """The rules for what a notebook stores and how its code cells look."""
    yield from _stored_outputs(document)
    yield from _metadata(document)
    yield from _cell_ids(document)
    yield from _parameters(document)
    yield from _figures(document)


def lint_prose(document: Document) -> Iterator[Violation]:
    """The rules for Markdown: no typed timing without its source, no image without words."""
    for cell, prose in document.prose:
        for timing in typed_timings(prose):
            yield Violation(
                document.path,
                "typed-timing",
                f"{timing.text!r} is typed in a sentence that cites nothing: let the page compute "
                "it or cite the source in the same sentence (a fixed setting can stand in `code`)",
                cell,
                timing.sentence.line,
            )
        for image in prose.images:
            if not image.alt.strip():
                message = f"the image {image.target} has no alt text: say what it shows"
                yield Violation(document.path, "alt-text", message, cell, image.line)


def _open(path: Path, root: Path) -> Document:
    name = path.relative_to(root)
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        blank = GENERATED.sub(lambda block: "\n" * block.group().count("\n"), text)
        return Document(name, [(None, read(blank))], [], {})
    stored = json.loads(text)
    if not isinstance(stored, dict) or not isinstance(stored.get("cells"), list):
        raise ValueError("it has no list of cells")
    cells = [_cell(number, cell) for number, cell in enumerate(stored["cells"], 1)]
    prose = [(cell.number, read(cell.source)) for cell in cells if cell.kind == "markdown"]
    return Document(name, [*prose], cells, stored.get("metadata", {}))


def _cell(number: int, stored: Mapping[str, Any]) -> Cell:
    source = stored.get("source", "")
    return Cell(
        number,
        stored.get("cell_type", ""),
        source if isinstance(source, str) else "".join(source),
        frozenset(stored.get("metadata", {}).get("tags", [])),
        stored,
    )


def _stored_outputs(document: Document) -> Iterator[Violation]:
    for cell in document.cells:
        if cell.stored.get("outputs") or cell.stored.get("execution_count") is not None:
            message = "its output is stored: clear all outputs and save the notebook"
            yield Violation(document.path, "stored-output", message, cell.number)
    if "papermill" in document.metadata:
        message = "it keeps the record of a run: remove `papermill` from the notebook's metadata"
        yield Violation(document.path, "stored-output", message)


def _metadata(document: Document) -> Iterator[Violation]:
    kernel = document.metadata.get("kernelspec", {}).get("name")
    language = document.metadata.get("language_info", {}).get("name")
    if kernel != "python3" or language != "python":
        message = (
            f"its kernelspec is {kernel!r} and its language {language!r}: set the metadata "
            "kernelspec.name to 'python3' and language_info.name to 'python'"
        )
        yield Violation(document.path, "kernelspec", message)


def _cell_ids(document: Document) -> Iterator[Violation]:
    seen: set[str] = set()
    for cell in document.cells:
        name = cell.stored.get("id")
        if not name or name in seen:
            state = f"has the id {name!r} of another cell" if name else "has no id"
            message = f"it {state}: save the notebook with JupyterLab as nbformat 4.5"
            yield Violation(document.path, "cell-id", message, cell.number)
        seen.add(name or "")


def _parameters(document: Document) -> Iterator[Violation]:
    code = [cell for cell in document.cells if cell.kind == "code"]
    places = [place for place, cell in enumerate(code) if "parameters" in cell.tags]
    if len(places) != 1:
        message = f"{len(places)} code cells are tagged `parameters`: tag exactly one"
        yield Violation(document.path, "parameters", message)
        return
    cell = code[places[0]]
    try:
        parse_parameters(cell.source)
    except ParameterError as error:
        yield Violation(document.path, "parameters", str(error), cell.number)
    following = code[places[0] + 1 : places[0] + 2]
    if not following or "check_parameters(globals())" not in following[0].source:
        message = "the next code cell must call check_parameters(globals())"
        yield Violation(document.path, "parameters", message, cell.number)


# Figures


def _figures(document: Document) -> Iterator[Violation]:
    known: dict[str, str] = {}
    for cell in document.cells:
        if cell.kind != "code":
            continue
        try:
            tree = ast.parse(TransformerManager().transform_cell(cell.source))
        except SyntaxError as error:
            message = f"its code does not parse ({error.msg}, line {error.lineno}): correct it"
            yield Violation(document.path, "syntax", message, cell.number)
            continue
        known.update(_imports(tree))
        for message in _without_alt(tree, known):
            yield Violation(document.path, "alt-text", message, cell.number)


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that a cell's imports bind, and what they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield alias.asname or top, alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _without_alt(tree: ast.Module, known: Mapping[str, str]) -> Iterator[str]:
    """What a cell draws or shows without words for those who do not see it."""
    calls = [(node, _called(node, known)) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    shown = [(node, name) for node, name in calls if name in SHOW]
    for node, name in [*shown, *((node, name) for node, name in calls if name in PICTURES)]:
        alt = [keyword.value for keyword in node.keywords if keyword.arg == "alt"]
        if not alt or (isinstance(alt[0], ast.Constant) and not str(alt[0].value or "").strip()):
            yield f"{name.rpartition('.')[2]}() has no alt text: give alt=, the figure's finding"
    drawn = [name for node, name in _at_top(tree, known) if DRAWING.fullmatch(name)]
    if drawn and not shown:
        yield f"it draws with {drawn[0]}: show the figure with show.figure(…, alt=…)"


def _at_top(tree: ast.Module, known: Mapping[str, str]) -> Iterator[tuple[ast.Call, str]]:
    """Calls that a cell makes itself, not those inside the functions that it defines."""
    open_nodes: list[ast.AST] = [tree]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            yield node, _called(node, known)
        open_nodes += ast.iter_child_nodes(node)


def _called(call: ast.Call, known: Mapping[str, str]) -> str:
    """Dotted name of what is called, imports resolved; empty where it has none."""
    parts: list[str] = []
    node = call.func
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([known.get(node.id, node.id), *reversed(parts)])


# Links


class _Site:
    """The documents by path, and what can be linked to."""

    def __init__(self, root: Path, documents: Iterable[Document]) -> None:
        self.root = root
        self.documents = {(root / document.path).resolve(): document for document in documents}
        self.labels = {label for known in self.documents.values() for label in known.anchors}
        self.contents = _contents(root)

    def dead_links(self, document: Document) -> Iterator[Violation]:
        for cell, prose in document.prose:
            for link in prose.links:
                reason = self._reason(document, link.target)
                if reason:
                    message = f"the link to {link.target} leads nowhere: {reason}"
                    yield Violation(document.path, "dead-link", message, cell, link.line)

    def _reason(self, document: Document, target: str) -> str | None:
        """Why a link does not work; None where it does."""
        if re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
            return None
        path, _, anchor = unquote(target).partition("#")
        if not path or path in self.labels:
            return None if (anchor or path) in self.labels else "no heading or label of that name"
        base = self.root if path.startswith("/") else (self.root / document.path).parent
        found = self._file(base / path.lstrip("/"))
        if found is None:
            return "no such file"
        page = self.documents.get(found)
        if page is None:
            return None
        if document.path.name != "README.md" and found not in self.contents:
            return "the page is not in _toc.yml"
        if anchor and anchor not in page.anchors:
            return f"{path} has no heading or label of that name"
        return None

    def _file(self, path: Path) -> Path | None:
        """The file meant by a path, which may lack its suffix as in ``{doc}``."""
        for suffix in ("", ".md", ".ipynb"):
            candidate = path.with_name(path.name + suffix).resolve()
            if candidate.exists():
                return candidate
        return None


def _contents(root: Path) -> set[Path]:
    """The pages that _toc.yml lists; all pages where there is none."""
    toc = root / "_toc.yml"
    if not toc.is_file():
        return {path.resolve() for pattern in (*PAGES, NOTEBOOKS) for path in root.glob(pattern)}
    names = _named(yaml.safe_load(toc.read_text(encoding="utf-8")))
    paths = [(root / name).resolve() for name in names]
    return {
        path.with_name(path.name + suffix) for path in paths for suffix in ("", ".md", ".ipynb")
    }


def _named(entry: Any) -> Iterator[str]:
    """Every file and root that an entry of _toc.yml names."""
    if isinstance(entry, list):
        for item in entry:
            yield from _named(item)
    elif isinstance(entry, dict):
        for key, value in entry.items():
            if key in ("file", "root"):
                yield str(value)
            else:
                yield from _named(value)
