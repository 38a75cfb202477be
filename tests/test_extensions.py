"""A binary that does not match its source is refused, and Numba's cache knows the kernels."""

import dataclasses
import importlib
import re
import shutil

import pytest

from unlocked import extensions
from unlocked.kernels import ou_cython

NAME = "unlocked.kernels._ou"


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the package's sources that the guards look at instead of the real ones."""
    copy = tmp_path / "src" / "unlocked"
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
    shutil.copytree(extensions.SRC / "unlocked", copy, ignore=ignored)
    monkeypatch.setattr(extensions, "SRC", copy.parent)
    return copy


@pytest.mark.parametrize("name", extensions.EXTENSIONS)
def test_binaries_match_their_sources(name):
    assert extensions.EXTENSIONS[name].digest() == extensions.load(name).SOURCE_DIGEST


def test_an_unchanged_copy_of_the_source_is_accepted(sources):
    assert extensions.load(NAME) is importlib.import_module(NAME)


def test_an_edited_source_is_refused_with_the_command_that_mends_it(sources):
    edited = sources / "kernels" / "_ou.pyx"
    edited.write_text(edited.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    with pytest.raises(ImportError, match=r"is older than _ou\.pyx: run `make env`.*pip install"):
        extensions.load(NAME)


def test_an_edited_header_counts_as_the_source_does(sources):
    name = "unlocked.kernels._lanes"
    for header in extensions.EXTENSIONS[name].headers:
        edited = sources / "kernels" / header
        before = edited.read_bytes()
        edited.write_bytes(before + b"/* edited */")
        with pytest.raises(ImportError, match=r"is older than _lanes\.pyx"):
            extensions.load(name)
        edited.write_bytes(before)
    extensions.load(name)


def test_every_included_header_is_declared():
    """Those that the module itself includes, and those that these include."""
    folder = extensions.SRC / "unlocked" / "kernels"
    declared = set()
    for name in ("_lanes", "_forest"):
        extension = extensions.EXTENSIONS[f"unlocked.kernels.{name}"]
        own = f"{name.removeprefix('_')}.h"
        text = (folder / own).read_text(encoding="utf-8")
        included = set(re.findall(r'#include "(.+)"', text)) | {own}
        assert included == set(extension.headers)
        declared |= included
    assert declared == {path.name for path in folder.glob("*.h")}


def test_importers_refuse_a_stale_binary(sources):
    (sources / "kernels" / "_ou.pyx").write_text("", encoding="utf-8")
    with pytest.raises(ImportError, match=r"older than _ou\.pyx"):
        importlib.reload(ou_cython)


def test_other_compiler_flags_are_refused(monkeypatch):
    changed = dataclasses.replace(extensions.EXTENSIONS[NAME], flags=("-O0",))
    monkeypatch.setitem(extensions.EXTENSIONS, NAME, changed)
    with pytest.raises(ImportError, match="is older than"):
        extensions.load(NAME)


def test_a_missing_binary_is_named_with_the_command_that_builds_it(monkeypatch):
    absent = "unlocked.kernels._absent"
    monkeypatch.setitem(extensions.EXTENSIONS, absent, extensions.Extension(absent))
    with pytest.raises(ImportError, match=f"{absent} is not built: run `make env`"):
        extensions.load(absent)


def test_an_undeclared_module_is_refused():
    with pytest.raises(KeyError, match=r"unlocked\.kernels\.ou"):
        extensions.load("unlocked.kernels.ou")


def test_numba_gets_another_cache_when_any_kernel_changes(sources):
    kernel = sources / "kernels" / "ou_arguments.py"
    text = kernel.read_text(encoding="utf-8")
    before = extensions.numba_cache()
    kernel.write_text(text + "\n", encoding="utf-8")
    assert extensions.numba_cache() != before
    kernel.write_text(text, encoding="utf-8")
    assert extensions.numba_cache() == before


def test_numba_gets_another_cache_when_a_kernel_is_added(sources):
    before = extensions.numba_cache()
    (sources / "kernels" / "new.py").write_text("rate = 1\n", encoding="utf-8")
    assert extensions.numba_cache() != before
