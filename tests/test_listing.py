"""Listings show the source that is tested, from ``.py`` and ``.pyx``."""

import pytest

from unlocked import show
from unlocked.lab.control import cores_were_free
from unlocked.listing import definition, listing

MODULE = '''
import numba

@numba.njit(
    nogil=True,
)
@cython.boundscheck(False)
def fast(
    x,  # the input :
    y={1: 2},
):
    """Say what it does.

    In many lines.
    """
    return x


    # still inside

cpdef double typed(double x) noexcept nogil:
    return x

cdef inline double[:] helper(double x) except *:
    """Short."""
    return fast(x)

class Thing:
    def fast(self):
        return 1
'''


def test_a_definition_comes_with_decorators_and_ends_with_its_body():
    text = definition(MODULE, "fast", "m")
    assert text.startswith(
        "@numba.njit(\n    nogil=True,\n)\n@cython.boundscheck(False)\ndef fast("
    )
    assert text.endswith("    # still inside\n")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("typed", "cpdef double typed(double x) noexcept nogil:\n    return x\n"),
        ("helper", "cdef inline double[:] helper(double x)"),
        ("Thing", "class Thing:\n    def fast(self):\n        return 1\n"),
    ],
)
def test_cython_functions_and_classes_are_found(name, head):
    assert definition(MODULE, name, "m").startswith(head)


def test_methods_and_calls_are_no_definitions():
    with pytest.raises(ValueError, match="m defines no 'x'"):
        definition(MODULE, "x", "m")


def test_a_python_function_is_shown_as_it_stands_in_the_package():
    markdown = listing(cores_were_free)
    assert markdown == listing("unlocked.lab.control:cores_were_free")
    assert markdown.startswith("From `unlocked.lab.control`:\n\n```python\ndef cores_were_free(")
    assert markdown.endswith("\n```")


def test_a_compiled_function_is_shown_from_its_pyx():
    markdown = listing("unlocked.lab._control:spin")
    assert '```cython\ndef spin(uint64_t rounds):\n    """Run' in markdown
    assert "with nogil:" in markdown


def test_no_path_of_this_machine_is_shown():
    assert "/" not in listing("unlocked.lab._control:spin", docstring=False)


def test_docstrings_can_be_left_out():
    markdown = listing("unlocked.lab._control:spin", docstring=False)
    assert '"""' not in markdown
    assert "def spin(uint64_t rounds):\n    cdef uint64_t state\n" in markdown
    assert '"""' not in listing(show.seconds, docstring=False)


def test_functions_of_one_module_share_a_block():
    markdown = listing("unlocked.lab._control:spin", "unlocked.lab._control:spin_holding")
    assert markdown.count("From `") == 1
    assert markdown.index("def spin(") < markdown.index("def spin_holding(")


def test_a_function_compiled_by_numba_is_shown_as_written():
    numba = pytest.importorskip("numba")
    assert listing(numba.njit(cores_were_free)) == listing(cores_were_free)


@pytest.mark.parametrize("target", ["unlocked.show", "unlocked.show:", ":seconds"])
def test_a_malformed_target_is_refused(target):
    with pytest.raises(ValueError, match="module:name"):
        listing(target)


@pytest.mark.parametrize("target", ["unlocked.nowhere:f", "math:sqrt", "unlocked.show:nothing"])
def test_what_has_no_source_is_refused(target):
    with pytest.raises(ValueError, match=r"unlocked|math"):
        listing(target)


def test_nothing_to_list_is_refused():
    with pytest.raises(ValueError, match="at least one function"):
        listing()


def test_a_c_function_comes_whole_with_the_comment_above_it():
    markdown = listing("unlocked.kernels.forest.h:walk_trees")
    assert markdown.startswith("From `unlocked.kernels.forest.h`:\n\n```c\n/* One row down")
    assert "static inline void walk_trees(\n" in markdown
    assert markdown.endswith("= trees[l][at[l]];\n}\n```")


@pytest.mark.parametrize("target", ["unlocked.kernels.forest.h:nothing", "unlocked.nothing.h:walk"])
def test_a_c_function_that_is_not_there_is_refused(target):
    with pytest.raises(ValueError, match="nothing"):
        listing(target)
