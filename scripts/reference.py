#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
"""Keep this machine's results as reference data, and draw the README's figure from them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from unlocked.book.pages import Book, BookError
from unlocked.book.reference import keep, readme

BOOK = Book(Path(__file__).resolve().parents[1])


def main(
    name: Annotated[str, typer.Argument(help="Name of the reference: a machine and a month, say.")],
    profile: Annotated[str, typer.Option(help="The profile whose results are kept.")] = "quick",
) -> None:
    """Copy a profile's results to data/reference/NAME and redraw the README's figure."""
    try:
        folder = keep(BOOK, name, profile)
        readme(BOOK)
    except BookError as error:
        sys.exit(f"error: {error}")
    typer.echo(f"{folder.relative_to(BOOK.root)}: kept; README.md: figure redrawn")


if __name__ == "__main__":
    typer.run(main)
