#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
"""Execute the book's chapters: ``python scripts/run.py --help``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from unlocked.book.pages import PROFILES, QUICK, Book, BookError
from unlocked.book.parameters import STORE, ParameterError
from unlocked.book.run import run

BOOK = Book(Path(__file__).resolve().parents[1])
REFUSED = 2

app = typer.Typer(add_completion=False)


@app.command()
def main(
    chapters: Annotated[list[str] | None, typer.Argument(help="all where none is named")] = None,
    profile: Annotated[str, typer.Option(help=", ".join(PROFILES))] = QUICK,
    settings: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME VALUE", help="set a parameter")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="measure anew")] = False,
    show: Annotated[bool, typer.Option("--list", help="list chapters and parameters")] = False,
) -> None:
    """Execute the chapters that are not current; what is measured already is reused."""
    try:
        chosen = BOOK.find(chapters or ())
        if show:
            _list(chosen)
            return
        given = dict(setting.split("=", 1) for setting in settings or ())
        status = run(BOOK, BOOK.edition(profile, chosen, given), chosen, again)
    except (BookError, ParameterError) as error:
        typer.echo(f"error: {error}", err=True)
        status = REFUSED
    raise typer.Exit(status)


def _list(chapters: list[str]) -> None:
    table = Table("chapter", "parameter", "quick", "takes", "what it is")
    for chapter in chapters:
        for name, parameter in BOOK.parameters(chapter).items():
            if name == STORE:
                continue
            row = (name, repr(parameter.default), parameter.allowed)
            table.add_row(chapter, *row, parameter.description)
            chapter = ""
    Console().print(table)


def _pairs(words: list[str]) -> list[str]:
    """Typer takes one word an option: ``-p NAME VALUE`` becomes ``-p NAME=VALUE``."""
    joined: list[str] = []
    waiting = iter(words)
    for word in waiting:
        joined.append(word)
        if word == "-p":
            pair = [part for part in (next(waiting, None), next(waiting, None)) if part is not None]
            if len(pair) < 2:
                typer.echo("error: -p takes a name and a value: -p num_steps 200000", err=True)
                sys.exit(REFUSED)
            joined.append("=".join(pair))
    return joined


if __name__ == "__main__":
    app(_pairs(sys.argv[1:]))
