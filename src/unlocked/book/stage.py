"""The builder: stages the book with its executed notebooks, if all are current, and renders it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from unlocked.book.pages import QUICK, Book, BookError, Edition, read_notebook, tags
from unlocked.book.parameters import with_values
from unlocked.book.run import SPLIT, TOTALS
from unlocked.study.records import REFERENCE

REPOSITORY = "UNLOCKED_REPOSITORY_URL"
"""Variable that names the repository; without it the site has no launch and edit buttons."""

INSTALL = "UNLOCKED_INSTALL_SECONDS"
"""Variable by which ``make book`` tells how long the installation took."""

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
FIGURES = ("image/svg+xml", "image/png")
TEXTS = {".html", ".ipynb", ".md", ".js", ".json", ".txt", ".xml", ".svg", ".css", ".py"}
COMMAND = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def build(
    book: Book, edition: Edition, output: Path | None = None, console: Console | None = None
) -> None:
    """Build the site of an edition whose pages are all current.

    A site that stands is replaced as the last act, and not at all where the staged book is the
    one that it was built from.

    Parameters
    ----------
    output : Path, optional
        Folder of the site; ``_build/html`` where not given.

    Raises
    ------
    BookError
        Where a page is not current, breaks a rule or shows a path of this machine, or where
        Jupyter Book warns.
    """
    console = console or Console(highlight=False)
    start = time.perf_counter()
    built = book.root / "_build"
    output = output or built / "html"
    if output.exists() and not (output / "searchindex.js").exists():
        raise BookError(f"{output} is there and is no site: name another folder or remove it")
    _gate(book, edition)
    stage(book, edition, built / "stage")
    digest = _tree_digest(book, built / "stage")
    stamp = output.with_name(f"{output.name}.digest")
    if (output / "index.html").exists() and stamp.exists() and stamp.read_text() == digest:
        console.print(f"{output}: nothing changed, the site stands")
    else:
        stamp.unlink(missing_ok=True)
        site = _render(built / "stage", built / "site")
        _refuse_leaks_of_site(book, site)
        _replace(site, output)
        shutil.rmtree(built / "site")
        stamp.write_text(digest)
        console.print(f"{output}: built")
    _report(edition, time.perf_counter() - start, console)


def stage(book: Book, edition: Edition, target: Path) -> None:
    """Put together what Jupyter Book builds from, below `target`.

    Raises
    ------
    BookError
        Where a notebook breaks a rule.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(book.root / "book", target / "book", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(book.root / "_toc.yml", target)
    text = (book.root / "_config.yml").read_text(encoding="utf-8")
    config = _configured(yaml.safe_load(text), edition)
    (target / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    (target / "notebooks").mkdir()
    for chapter in _chapters(book):
        notebook = read_notebook(edition.notebook(chapter))
        staged = stage_notebook(chapter, notebook, book.values(edition, chapter), _paths(book))
        text = json.dumps(staged, indent=1, ensure_ascii=False) + "\n"
        (target / "notebooks" / f"{chapter}.ipynb").write_text(text, encoding="utf-8")


def stage_notebook(
    chapter: str, notebook: Mapping[str, Any], values: Mapping[str, Any], paths: re.Pattern[str]
) -> dict[str, Any]:
    """A notebook as the site shows it.

    The injected parameters are put into the parameters cell, so that it tells the values that
    were used. Figures get their alt text, the cell tagged ``answer`` becomes a closed dropdown
    after the cell tagged ``predict``; what papermill noted and what libraries printed to stderr
    is dropped.

    Parameters
    ----------
    values : mapping
        The parameters that differ from the literals of the parameters cell.
    paths : re.Pattern
        What no cell may show.

    Raises
    ------
    BookError
        Where a cell has a figure without alt text, two figures, or shows a path; it is named.
    """
    cells = []
    answer = None
    for number, cell in enumerate(notebook["cells"], 1):
        place = f"notebooks/{chapter}.ipynb, cell {number} ({_first_line(cell)})"
        if "injected-parameters" in tags(cell):
            continue
        cell = _without_warnings(cell)
        if found := paths.search(_content(cell)):
            raise BookError(f"{place} shows a path of this machine: {found[0]}")
        if "answer" in tags(cell):
            answer = _dropdown(cell, place)
            continue
        cells.append(_staged(cell, values, place))
    if answer is not None:
        marked = [index for index, cell in enumerate(cells) if "predict" in tags(cell)]
        cells.insert(marked[0] + 1 if marked else 1, answer)
    language = notebook["metadata"].get("language_info", {"name": "python"})
    metadata = {"kernelspec": KERNEL, "language_info": language}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _without_warnings(cell: Mapping[str, Any]) -> dict[str, Any]:
    """A cell without what libraries print to stderr, which names their files."""
    outputs = [output for output in cell.get("outputs", []) if output.get("name") != "stderr"]
    return {**cell, "outputs": outputs} if "outputs" in cell else dict(cell)


def _staged(cell: Mapping[str, Any], values: Mapping[str, Any], place: str) -> dict[str, Any]:
    metadata = {
        name: value
        for name, value in cell["metadata"].items()
        if name not in ("papermill", "execution")
    }
    staged = {**cell, "metadata": metadata}
    if "parameters" in tags(cell):
        staged["source"] = with_values(cell["source"], values)
    figures = [
        output
        for output in cell.get("outputs", [])
        if any(kind in output.get("data", {}) for kind in FIGURES)
    ]
    if len(figures) > 1:
        raise BookError(f"{place} has {len(figures)} figures: give each a cell of its own")
    if figures:
        alt = figures[0].get("metadata", {}).get("alt", "").strip()
        if not alt:
            raise BookError(f"{place} has a figure without alt text: use show.figure(fig, alt=…)")
        shown = metadata.get("mystnb", {})
        metadata["mystnb"] = {**shown, "image": {**shown.get("image", {}), "alt": alt}}
    return staged


def _dropdown(cell: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The Markdown that an answer cell printed, in a closed dropdown."""
    outputs = cell.get("outputs", [])
    if len(outputs) != 1 or "text/markdown" not in outputs[0].get("data", {}):
        raise BookError(f"{place} is tagged answer: it must show one Markdown output, no more")
    text = "".join(outputs[0]["data"]["text/markdown"]).strip()
    source = f"``````{{dropdown}} The answer, measured\n{text}\n``````"
    return {"cell_type": "markdown", "id": "answer", "metadata": {}, "source": source}


def _content(cell: Mapping[str, Any]) -> str:
    return json.dumps([cell["source"], cell.get("outputs")], ensure_ascii=False)


def _first_line(cell: Mapping[str, Any]) -> str:
    lines = cell["source"].strip().splitlines()
    return lines[0] if lines else "empty"


def _gate(book: Book, edition: Edition) -> None:
    """Refuse pages that are not current, with the command that mends them."""
    reasons = {chapter: book.outdated(edition, chapter) for chapter in _chapters(book)}
    outdated = {chapter: reason for chapter, reason in reasons.items() if reason}
    if outdated:
        lines = [f"{chapter} {reason}" for chapter, reason in outdated.items()]
        profile = "" if edition.profile == QUICK else f" --profile {edition.profile}"
        mend = f"python scripts/run.py {' '.join(outdated)}{profile}"
        raise BookError("\n".join(["not every page is current:", *lines, f"run: {mend}"]))


def _chapters(book: Book) -> list[str]:
    """The notebooks in the table of contents, in its order."""
    toc = yaml.safe_load((book.root / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry.removesuffix(".ipynb") for entry in _entries(toc)]
    chapters = [Path(file).name for file in files if file.startswith("notebooks/")]
    for chapter in chapters:
        if chapter not in book.chapters:
            raise BookError(f"_toc.yml names notebooks/{chapter}, and there is no such notebook")
    return chapters


def _entries(toc: Any) -> Iterator[str]:
    if isinstance(toc, dict):
        yield from (toc[key] for key in ("root", "file") if key in toc)
        toc = list(toc.values())
    if isinstance(toc, list):
        for part in toc:
            yield from _entries(part)


def _configured(config: dict[str, Any], edition: Edition) -> dict[str, Any]:
    """Jupyter Book's configuration with what depends on the place and the edition."""
    html = config.setdefault("html", {})
    url = os.environ.get(REPOSITORY)
    for button in ("use_repository_button", "use_edit_page_button", "use_issues_button"):
        html[button] = bool(url)
    config.pop("repository", None)
    config.pop("launch_buttons", None)
    if url:
        config["repository"] = {"url": url, "branch": "main"}
        config["launch_buttons"] = {"binderhub_url": "https://mybinder.org"}
    if edition.replay:
        told = json.loads((edition.results / REFERENCE).read_text(encoding="utf-8"))
        html["announcement"] = (
            f"Reference results: measured on {told['machine']}, {told['date']}, "
            f"profile {told['profile']}. Your machine will differ."
        )
    return config


def _render(source: Path, work: Path) -> Path:
    """Run Jupyter Book, strictly; the folder of the site that it made."""
    shutil.rmtree(work, ignore_errors=True)
    strict = ["--all", "-n", "-W", "--keep-going", "-q", "--path-output", str(work), str(source)]
    done = subprocess.run([*COMMAND, *strict], capture_output=True, text=True)
    if done.returncode == 0:
        return work / "_build" / "html"
    complaints = COLOURS.sub("", done.stderr).replace(f"{source}{os.sep}", "")
    told = complaints.partition("Traceback (most recent call last)")[0].strip() or complaints
    raise BookError(f"Jupyter Book does not build the site:\n{told}")


def _replace(site: Path, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    old = output.with_name(f"{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    shutil.move(site, output)
    shutil.rmtree(old, ignore_errors=True)


def _paths(book: Book) -> re.Pattern[str]:
    """Matches a path of this machine: the book's, the home's, the environment's, a kernel's."""
    places = {book.root, book.root.resolve(), Path.home()}
    if sys.prefix != sys.base_prefix:
        places.add(Path(sys.prefix))
    known = sorted((str(place) for place in places if place != Path("/")), key=len, reverse=True)
    folders = "|".join(map(re.escape, known))
    scratch = re.escape(tempfile.gettempdir())
    # not in the middle of a longer path or address; a line break may be written \n
    return re.compile(
        rf"(?:(?<![\w.~/-])|(?<=\\n)|(?<=://))(?:{folders})(?![\w.-])"
        rf"|{scratch}/(?:ipykernel|unlocked|tmp)|ipykernel_\d+"
    )


def _refuse_leaks_of_site(book: Book, site: Path) -> None:
    paths = _paths(book)
    for file in sorted(site.rglob("*")):
        text = file.read_text(encoding="utf-8", errors="replace") if file.suffix in TEXTS else ""
        if found := paths.search(text):
            name = file.relative_to(site)
            raise BookError(f"the site's {name} shows a path of this machine: {found[0]}")


def _tree_digest(book: Book, folder: Path) -> str:
    """Digest of the staged files, and of the versions that render them."""
    digest = hashlib.sha256()
    requirements = [book.root / "requirements.txt"]
    files: Iterable[Path] = sorted(path for path in folder.rglob("*") if path.is_file())
    for file in [*files, *(path for path in requirements if path.exists())]:
        digest.update(f"{file.relative_to(book.root)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _report(edition: Edition, seconds: float, console: Console) -> None:
    """Where the time went, from the installation to the site."""
    totals = edition.executed / TOTALS
    spent = json.loads(totals.read_text(encoding="utf-8")) if totals.exists() else {}
    install = {"install": float(os.environ[INSTALL])} if os.environ.get(INSTALL) else {}
    spent = {**install, **{part: spent.get(part, 0.0) for part in SPLIT}, "build": seconds}
    table = Table(*(f"{part} s" for part in spent), "all s")
    table.add_row(*(f"{part:.1f}" for part in [*spent.values(), sum(spent.values())]))
    console.print(table)
