"""The steps of 12-forest-kernel as candidates of the lab."""

import numpy as np

from unlocked.inference import walks
from unlocked.inference.engines.timed import made
from unlocked.kernels import forest
from unlocked.lab.timing import call

SOURCE = "unlocked.inference.engines.source_forest"
FOREST = {"trees": 3, "depth": 3, "rows": 60, "features": 5, "seed": 0}
MODEL = call(f"{SOURCE}:model", **FOREST)
ROWS = call(f"{SOURCE}:first_rows", **FOREST | {"count": 20})


def test_every_recipe_answers_as_the_model_does():
    model, rows = made(MODEL.model_dump()), made(ROWS.model_dump())
    recipes = walks.recipes(walks.instruction_sets())
    assert list(recipes)[-1] == f"packed, {forest.AVAILABLE[0]}"
    for recipe in recipes.values():
        found = recipe.convert(model)
        assert found.predict_proba(rows).tobytes() == model.predict_proba(rows).tobytes()
        np.testing.assert_array_equal(found.predict(rows), model.predict(rows))


def test_one_row_again_is_the_first_row():
    again = walks.on_one_row_again("row by row", MODEL, ROWS, 4).inputs.arguments["rows"]
    np.testing.assert_array_equal(made(again), np.repeat(made(ROWS.model_dump())[:1], 4, axis=0))


def test_the_packed_forest_is_timed_on_threads():
    timed = walks.on_threads(MODEL, ROWS, [1, 2], processes=1, rounds=1)
    assert timed.names[:2] == ["1", "2"]
    assert timed.threads == 2
    assert len(timed.control[0]) == 1


def test_the_shape_is_that_of_the_trees():
    trees = [tree.tree_ for tree in made(MODEL.model_dump()).estimators_]
    shape = walks.shape(MODEL)
    assert shape.depth == max(tree.max_depth for tree in trees)
    assert shape.nodes == sum(tree.node_count for tree in trees)
    thresholds = {
        (f, t) for tree in trees for f, t in zip(tree.feature, tree.threshold, strict=True)
    }
    assert 0 < shape.thresholds <= len(thresholds)
    assert shape.layout == forest.PackedForest.from_sklearn(made(MODEL.model_dump())).layout
    assert walks.packing_seconds(MODEL, repeats=1) > 0
