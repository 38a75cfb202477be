import sys

import pytest

from unlocked.study import digests


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Modules of a reader: `kernel` imports `part`, `part` imports numpy."""
    (tmp_path / "mykernel.py").write_text("from mypart import helper\n")
    (tmp_path / "mypart.py").write_text("import numpy\nhelper = 1\n")
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    digests._closure.cache_clear()
    yield tmp_path
    digests._closure.cache_clear()


def edited(project, name):
    before = digests.sources(["mykernel"])
    with (project / name).open("a") as file:
        file.write("# edited\n")
    digests._closure.cache_clear()
    return digests.sources(["mykernel"]) != before


def test_a_change_in_what_is_imported_counts(project):
    assert edited(project, "mykernel.py")
    assert edited(project, "mypart.py")
    assert not edited(project, "unrelated.py")


def test_nothing_is_imported_to_find_out(project):
    with (project / "mykernel.py").open("a") as file:
        file.write("from mypackage.loud import shout\nraise SystemExit\n")
    (project / "mypackage").mkdir()
    (project / "mypackage" / "loud.py").write_text("raise SystemExit\n")
    (project / "mypackage" / "__init__.py").write_text("raise SystemExit\n")
    own, _ = digests._closure(frozenset({"mykernel"}))
    assert own == {"mykernel", "mypart", "mypackage", "mypackage.loud"}
    assert not {"mykernel", "mypackage"} & set(sys.modules)


def test_distributions_count_with_what_they_require(project):
    found = digests.versions(["mykernel"])
    assert set(found) == {"numpy"}
    assert {"scikit-learn", "numpy", "scipy", "joblib"} <= set(
        digests.versions(["sklearn.ensemble"])
    )


def test_the_look_does_not_belong_to_a_kernel():
    measured, _ = digests._closure(frozenset({"unlocked.lab.timing", "unlocked.lab.examples"}))
    assert "unlocked.lab.intervals" in measured
    assert "unlocked.lab._control" in measured
    assert not {name for name in measured if "show" in name or "study" in name}


def test_a_kernel_does_not_depend_on_the_other_extensions():
    numba_kernel, _ = digests._closure(frozenset({"unlocked.kernels.ou_numba"}))
    assert "unlocked.extensions" in numba_kernel
    assert not {"unlocked.kernels._ou", "unlocked.lab._control"} & numba_kernel


def test_what_a_compiled_module_imports_counts():
    cython_kernel, foreign = digests._closure(frozenset({"unlocked.kernels.ou_cython"}))
    assert {"unlocked.kernels._ou", "unlocked.kernels.ou_arguments"} <= cython_kernel
    assert "numpy" in foreign


def test_imports_are_found_in_every_form():
    code = "import a.b\nfrom c import d as e\ndef f():\n    from . import g\n    from .h import i\n"
    assert digests.imported(code, "pack.age") == {
        "a.b", "c", "c.d", "pack.age", "pack.age.g", "pack.age.h", "pack.age.h.i",
    }  # fmt: skip


def test_a_compiled_module_is_seen_through_its_loader():
    assert "unlocked.lab._control" in digests.imported('load("unlocked.lab._control")')


def test_targets_are_found_at_any_depth():
    value = {"a": [{"target": "pack.age:function", "n": 3}], "b": "not one", "c": "x: y"}
    assert list(digests.targets(value)) == ["pack.age"]
