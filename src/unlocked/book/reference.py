"""One machine's results, committed under a name, and the README's figure drawn from them."""

import json
import re
import shutil
from pathlib import Path

from unlocked import exhibits, machine, show
from unlocked.book.pages import Book, BookError, write_whole
from unlocked.lab.timing import Comparison
from unlocked.study.claims import load_claims
from unlocked.study.records import REFERENCE, read_record, references

FIGURE = "book/_static/readme.svg"
BLOCK = re.compile(r"(?<=<!-- figure -->\n).*?(?=<!-- /figure -->)", re.DOTALL)
RECORD = "02-kernels/ladder"


def keep(book: Book, name: str, profile: str = "quick") -> Path:
    """Copy a profile's results to ``data/reference/NAME``.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and hyphens.

    Returns
    -------
    Path
        The new folder; one of that name is replaced.

    Raises
    ------
    BookError
        For another kind of name, or where a chapter's page is not current.
    """
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise BookError(f"{name!r} will not do as a name: use lower-case letters, digits, hyphens")
    edition = book.edition(profile)
    for chapter in book.chapters:
        if reason := book.outdated(edition, chapter):
            raise BookError(
                f"{chapter} is not current ({reason}): run `python scripts/run.py "
                f"--profile {profile}` first"
            )
    folder = book.root / "data" / "reference" / name
    shutil.rmtree(folder, ignore_errors=True)
    records = sorted(edition.results.glob("*/*.json"))
    for path in records:
        target = folder / path.relative_to(edition.results)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    created = max(read_record(path).get("created", "") for path in records)
    about = {
        "machine": machine.describe().summary,
        "date": created.partition("T")[0],
        "profile": profile,
        "described": machine.describe().model_dump(mode="json"),
    }
    write_whole(folder / REFERENCE, json.dumps(about, indent=1) + "\n")
    return folder


def readme(book: Book) -> None:
    """Draw the README's figure from the newest reference results, and write its caption.

    Raises
    ------
    BookError
        Where no reference holds what is drawn, or the README has no place for it.
    """
    figure, block = readme_figure(book)
    path = book.root / "README.md"
    text = path.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        raise BookError("README.md has no lines <!-- figure --> and <!-- /figure -->: put them in")
    write_whole(book.root / FIGURE, figure)
    write_whole(path, BLOCK.sub(lambda _: block, text))


def readme_figure(book: Book) -> tuple[str, str]:
    """The README's figure as SVG, and the lines of Markdown that show it."""
    for store in references("00-welcome", book.root / "data" / "reference"):
        ladder = store.read(RECORD, Comparison)
        if ladder is not None:
            exhibit = exhibits.rewriting(ladder, load_claims())
            caption = f"Measured on {store.about['machine']}, {store.about['date']}."
            block = f"![{exhibit.alt}]({FIGURE})\n\n*{caption}*\n"
            return show.svg(exhibit.figure), block
    raise BookError(f"no reference results hold {RECORD}: make them with scripts/reference.py keep")
