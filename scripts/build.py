#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
"""Build the site from the executed chapters: ``python scripts/build.py --help``."""

from pathlib import Path
from typing import Annotated

import typer

from unlocked.book.pages import PROFILES, QUICK, Book, BookError
from unlocked.book.parameters import ParameterError
from unlocked.book.run import run
from unlocked.book.stage import build

BOOK = Book(Path(__file__).resolve().parents[1])
REFUSED = 2

app = typer.Typer(add_completion=False)


@app.command()
def main(
    profile: Annotated[str, typer.Option(help=", ".join(PROFILES))] = QUICK,
    reference: Annotated[
        str | None, typer.Option(metavar="NAME", help="replay the results data/reference/NAME")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="folder of the site [_build/html]")] = None,
) -> None:
    """Build the site, strictly, if every page is current."""
    status = 0
    try:
        if reference is None:
            edition = BOOK.edition(profile)
        else:
            edition = BOOK.reference(reference)
            status = run(BOOK, edition)
        if status == 0:
            build(BOOK, edition, output)
    except (BookError, ParameterError) as error:
        typer.echo(f"error: {error}", err=True)
        status = REFUSED
    raise typer.Exit(status)


if __name__ == "__main__":
    app()
