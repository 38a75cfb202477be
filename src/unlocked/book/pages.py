"""The pages that notebooks make: where they are, what each is made of, whether it is current."""

import ast
import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml

from unlocked.book.parameters import (
    STORE,
    Parameter,
    ParameterError,
    Value,
    coerce_all,
    parse_parameters,
)
from unlocked.study import digests, records

QUICK = "quick"
PROFILES = ("smoke", QUICK, "full")


class BookError(Exception):
    """The book cannot be run or built as it was asked for; the message says what to do."""


@dataclass(frozen=True)
class Edition:
    """One way of running the book: its profile, the settings on top, the folders it fills.

    Attributes
    ----------
    settings : dict
        Parameters by name that hold in every chapter that declares them.
    results : Path
        The store that the chapters measure into or, where `replay`, read from.
    executed : Path
        Where executed notebooks go, each with a ``.page.json`` that says what it was made of.
    """

    profile: str
    settings: Mapping[str, Value]
    results: Path
    executed: Path
    replay: bool = False

    def notebook(self, chapter: str) -> Path:
        """The executed notebook of a chapter."""
        return self.executed / f"{chapter}.ipynb"


@dataclass(frozen=True)
class Page:
    """What an executed notebook was made of: the content of its ``.page.json``.

    Attributes
    ----------
    key : str
        Digest of the notebook's source, its parameters, the code it imports and the claims.
    notebook : str
        SHA-256 of the executed notebook.
    reads : list of dict
        The journal's events of the kind ``record``, one a record.
    verdicts : dict
        The verdict of each claim that the page judged.
    seconds : dict
        How long it took to ``import``, ``measure`` and ``draw``.
    """

    key: str
    notebook: str
    parameters: dict[str, Value]
    reads: list[dict[str, Any]]
    verdicts: dict[str, str]
    seconds: dict[str, float]

    @classmethod
    def load(cls, edition: Edition, chapter: str) -> Self | None:
        """The page's record; None where there is none that can be read."""
        try:
            return cls(**json.loads(_page_path(edition, chapter).read_text(encoding="utf-8")))
        except (FileNotFoundError, TypeError, ValueError):
            return None  # never executed, or not by this version of the book

    def save(self, edition: Edition, chapter: str) -> None:
        """Write the record, whole or not at all."""
        write_whole(_page_path(edition, chapter), json.dumps(asdict(self), indent=1))


@dataclass(frozen=True)
class Book:
    """A book below a root: ``notebooks/NN-name.ipynb`` with their ``profiles.yml``."""

    root: Path

    @property
    def notebooks(self) -> Path:
        """Folder of the notebooks as they are stored."""
        return self.root / "notebooks"

    @cached_property
    def chapters(self) -> list[str]:
        """Names of all chapters in the order in which they run."""
        names = sorted(path.stem for path in self.notebooks.glob("*.ipynb"))
        return [name for name in names if name not in self.last] + self.last

    @cached_property
    def last(self) -> list[str]:
        """The chapters that collect from the others, and so run after them."""
        return list(self._profiles.get("last") or [])

    @cached_property
    def _profiles(self) -> dict[str, Any]:
        path = self.notebooks / "profiles.yml"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return yaml.safe_load(text) or {}

    def find(self, names: Iterable[str]) -> list[str]:
        """The chapters that these names stand for, in running order; all where there are none.

        A name may be short (``02``) or the notebook's path.

        Raises
        ------
        BookError
            Where a name stands for no chapter or for several.
        """
        wanted = {self._find(name) for name in names}
        return [chapter for chapter in self.chapters if not wanted or chapter in wanted]

    def _find(self, name: str) -> str:
        name = Path(name).name.removesuffix(".ipynb")
        found = [chapter for chapter in self.chapters if chapter.startswith(name)]
        if name in found or len(found) == 1:
            return name if name in found else found[0]
        near = difflib.get_close_matches(name, self.chapters, 1, 0.4)
        meant = f"did you mean {near[0]}? " if near else ""
        raise BookError(f"no chapter {name}: {meant}The chapters are: {', '.join(self.chapters)}")

    def cells(self, chapter: str) -> list[dict[str, Any]]:
        """The cells of a stored notebook."""
        return list(read_notebook(self.notebooks / f"{chapter}.ipynb")["cells"])

    def parameters(self, chapter: str) -> dict[str, Parameter]:
        """The parameters that a chapter declares.

        Raises
        ------
        BookError
            Where it has no cell tagged ``parameters`` or that cell breaks the form.
        """
        for cell in self.cells(chapter):
            if "parameters" in tags(cell):
                try:
                    return parse_parameters(cell["source"])
                except ParameterError as error:
                    raise BookError(f"notebooks/{chapter}.ipynb: {error}") from None
        raise BookError(f"notebooks/{chapter}.ipynb has no cell tagged parameters")

    def edition(
        self,
        profile: str = QUICK,
        chapters: Iterable[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> Edition:
        """The edition of a profile, or, with settings, one apart from the book's.

        Parameters
        ----------
        chapters : iterable of str
            Those that the settings are for; all where none is named.
        settings : mapping
            Values of parameters, as given; each must be declared by one of the chapters.

        Raises
        ------
        BookError, ParameterError
            Where the profile, ``profiles.yml`` or a setting is refused.
        """
        if profile not in PROFILES:
            raise BookError(f"no profile {profile}: the profiles are {', '.join(PROFILES)}")
        self._check_profiles()
        built = self.root / "_build"
        results = self.root / "data" / "results"
        if not settings:
            return Edition(profile, {}, results / profile, built / "executed" / profile)
        if STORE in settings:
            raise ParameterError(f"{STORE} is the runner's to set: leave it out")
        declared: dict[str, Parameter] = {}
        for chapter in chapters or self.chapters:
            own = self.parameters(chapter)
            coerce_all(own, {name: settings[name] for name in own if name in settings})
            declared |= own
        values = coerce_all(declared, settings)
        name = f"custom-{_digest([profile, values])[:10]}"
        return Edition(profile, values, results / name, built / name)

    def reference(self, name: str) -> Edition:
        """The edition that replays the committed results ``data/reference/NAME``."""
        results = self.root / "data" / "reference" / name
        try:
            text = (results / records.REFERENCE).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            found = (self.root / "data" / "reference").glob(f"*/{records.REFERENCE}")
            names = ", ".join(sorted(path.parent.name for path in found)) or "none"
            raise BookError(f"no reference {name}: the references are: {names}") from None
        executed = self.root / "_build" / "executed" / f"reference-{name}"
        return Edition(json.loads(text)["profile"], {}, results, executed, replay=True)

    def values(self, edition: Edition, chapter: str) -> dict[str, Value]:
        """The parameters that an edition sets in a chapter: all that differ from its literals."""
        declared = self.parameters(chapter)
        profile = (self._profiles.get(edition.profile) or {}).get(chapter) or {}
        settings = {name: edition.settings[name] for name in declared if name in edition.settings}
        return coerce_all(declared, {**profile, **settings})

    def key(self, edition: Edition, chapter: str) -> str:
        """Digest of all that a page is made of, its records apart.

        Raises
        ------
        BookError
            Where a module that the page uses does not parse.
        """
        cells = self.cells(chapter)
        try:
            modules = digests.sources(_modules(cells))
        except SyntaxError as error:
            raise BookError(f"a module that {chapter} uses does not parse: {error}") from None
        made_of = {
            "cells": [
                [cell["cell_type"], cell["source"], tags(cell), cell["metadata"].get("mystnb")]
                for cell in cells
            ],
            "parameters": self.values(edition, chapter),
            "modules": modules,
            "claims": _content(self.root / "data" / "claims.yml"),
            "others": self._others(edition) if chapter in self.last else None,
        }
        return _digest(made_of)

    def outdated(self, edition: Edition, chapter: str) -> str | None:
        """Why a chapter's page must be executed; None where it is current."""
        page = Page.load(edition, chapter)
        if page is None:
            return "was never executed"
        if page.notebook != _content(edition.notebook(chapter)):
            return "its executed notebook is missing or was altered"
        if page.key != self.key(edition, chapter):
            return "its notebook, its parameters or the code it uses changed"
        return "; ".join(records.stale(edition.results, page.reads)) or None

    def _others(self, edition: Edition) -> list[Any]:
        """What the pages that do not collect have read and judged."""
        chapters = [chapter for chapter in self.chapters if chapter not in self.last]
        pages = {chapter: Page.load(edition, chapter) for chapter in chapters}
        return [
            [chapter, sorted((read["path"], read["sha256"]) for read in page.reads), page.verdicts]
            for chapter, page in pages.items()
            if page is not None
        ]

    def _check_profiles(self) -> None:
        """Hold profiles.yml against the chapters' parameters."""
        place = "notebooks/profiles.yml"
        for profile, chapters in self._profiles.items():
            if profile not in ("smoke", "full", "last"):
                raise BookError(f"{place}: {profile} is none of smoke, full and last")
            for chapter in chapters or ():
                if not (self.notebooks / f"{chapter}.ipynb").exists():
                    raise BookError(f"{place}: {profile} names {chapter}, which is no chapter")
                if profile != "last":
                    try:
                        coerce_all(self.parameters(chapter), chapters[chapter] or {})
                    except ParameterError as error:
                        raise BookError(f"{place}: {profile}, {chapter}: {error}") from None


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook's JSON with each cell's source as one text."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def tags(cell: Mapping[str, Any]) -> list[str]:
    """The tags of a cell."""
    return list(cell["metadata"].get("tags", []))


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _page_path(edition: Edition, chapter: str) -> Path:
    return edition.executed / f"{chapter}.page.json"


def _modules(cells: Iterable[Mapping[str, Any]]) -> set[str]:
    """Modules that the code cells import or name as ``module:function``."""
    found: set[str] = set()
    for cell in cells:
        if cell["cell_type"] == "code":
            lines = cell["source"].splitlines()
            code = "\n".join(line for line in lines if not line.startswith(("%", "!")))
            try:
                texts = [
                    node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)
                ]
            except SyntaxError:
                continue  # running the chapter will say so
            found |= digests.imported(code)
            for text in texts:
                found.update(digests.targets(text.value))
    return found


def _content(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
