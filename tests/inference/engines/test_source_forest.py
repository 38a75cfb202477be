"""Which forests may stand for the source's."""

from unlocked.inference.engines.source_forest import SIZE, other_size


def test_another_size_is_named_and_the_source_s_is_not():
    assert other_size(**SIZE, seed=5) is None
    assert other_size(**{**SIZE, "trees": 100, "rows": 3_000}) == (
        "not the source's size: 100 trees in place of 1,000, 3,000 rows in place of 100,000"
    )
