import json
import shutil
from pathlib import Path

import pytest

from unlocked.book.pages import Book, BookError
from unlocked.book.reference import BLOCK, FIGURE, RECORD, keep, readme, readme_figure
from unlocked.study.records import references

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_what_the_committed_results_say():
    _, block = readme_figure(Book(ROOT))
    written = BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert written is not None
    assert written[0] == block
    assert (ROOT / FIGURE).read_text(encoding="utf-8").startswith("<?xml")
    drawn = (
        store for store in references("00-welcome") if (store.root / f"{RECORD}.json").exists()
    )
    newest = next(drawn)
    assert newest.about["machine"] in block
    assert newest.about["date"] in block


def test_committed_results_name_no_folder_of_their_machine():
    for path in (ROOT / "data" / "reference").rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert str(ROOT) not in text
        assert str(Path.home()) not in text


def test_the_figure_is_put_between_its_marks_and_nowhere_else(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data", ignore=shutil.ignore_patterns("results"))
    (tmp_path / "book" / "_static").mkdir(parents=True)
    page = "before\n<!-- figure -->\nold\n<!-- /figure -->\nafter\n"
    (tmp_path / "README.md").write_text(page)
    readme(Book(tmp_path))
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- figure -->\n![")
    assert text.endswith("<!-- /figure -->\nafter\n")
    assert "old" not in text
    (tmp_path / "README.md").write_text("no marks\n")
    with pytest.raises(BookError, match="put them in"):
        readme(Book(tmp_path))


def test_results_are_kept_under_a_name(toy):
    toy.run()
    folder = keep(toy.book, "here-2026")
    assert json.loads((folder / "reference.json").read_text())["profile"] == "quick"
    assert [path.name for path in folder.glob("*/*.json")] == [toy.record().name]


@pytest.mark.parametrize("name", ["", "Up", "../out", "a b"])
def test_another_kind_of_name_is_refused(toy, name):
    with pytest.raises(BookError, match="lower-case letters"):
        keep(toy.book, name)


def test_results_of_pages_that_are_not_current_are_not_kept(toy):
    with pytest.raises(BookError, match="01-first is not current"):
        keep(toy.book, "here")
