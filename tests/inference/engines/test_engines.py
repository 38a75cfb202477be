"""Every engine that is installed gives scikit-learn's answers, or says why it does not run."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from unlocked.inference.engines.engine import ENGINES
from unlocked.inference.engines.equality import Expected

pytestmark = pytest.mark.filterwarnings(
    "ignore:Field onnx:DeprecationWarning"  # skl2onnx hands booleans to onnx
)

TREES = {"forest", "extra trees", "forest regressor", "boosting"}
EVERYTHING = TREES | {"logistic", "bayes", "svc"}
RUNS = {
    "sklearn": EVERYTHING,
    "sklearn-unchecked": EVERYTHING,
    "onnxruntime": EVERYTHING,
    "hummingbird-torch": EVERYTHING - {"bayes"},
    "hummingbird-jit": EVERYTHING - {"bayes"},
    "hummingbird-float64": EVERYTHING - {"bayes"},
    "treelite": TREES,
    "tl2cgen": TREES,
    "packed": TREES - {"boosting"},
}
"""Engines that this project installs, and what they run to six digits."""


@pytest.mark.parametrize(
    ("short", "kind"), [(short, kind) for short, kinds in RUNS.items() for kind in sorted(kinds)]
)
def test_answers_are_those_of_scikit_learn(short, kind, fitted, rows):
    model, engine = fitted(kind), ENGINES[short]
    expected = Expected(model, rows)
    predictor = engine.convert(model)
    agreement = expected.agreement(predictor.answer(rows), predictor.predict(rows))
    assert agreement.equal, agreement
    if engine.recipe.exact:
        expected.refuse_another_bit(predictor.answer(rows))


@pytest.mark.parametrize("short", RUNS)
def test_three_classes_and_one_row(short, fitted, rows):
    model = fitted("forest", 3)
    predictor = ENGINES[short].convert(model)
    for some in (rows, rows[:1]):
        expected = Expected(model, some)
        assert expected.agreement(predictor.answer(some), predictor.predict(some)).equal
        assert predictor.answer(some).shape == (len(some), 3)


@pytest.mark.parametrize("short", ["onnxruntime", "treelite", "tl2cgen", "packed"])
def test_two_threads_give_the_same_answers(short, fitted, rows):
    model = fitted("forest")
    with threadpool_limits(2, user_api="openmp"):  # PyTorch may have set it to one
        one, two = (ENGINES[short].convert(model, threads).answer(rows) for threads in (1, 2))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


@pytest.mark.parametrize("short", RUNS)
def test_a_conversion_leaves_the_terminal_alone(short, fitted, capfd):
    ENGINES[short].convert(fitted("forest"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("short", RUNS)
def test_float64_rows_are_taken_too(short, fitted, rows):
    model, wide = fitted("forest"), rows.astype(np.float64)
    expected = Expected(model, wide)
    expected.refuse_other(ENGINES[short].convert(model).answer(wide))


@pytest.mark.parametrize(
    ("short", "kind", "reason"),
    [
        ("treelite", "logistic", "treelite has no importer for LogisticRegression"),
        ("tl2cgen", "bayes", "treelite has no importer for GaussianNB"),
        ("packed", "boosting", "HistGradientBoostingClassifier cannot be packed"),
        ("river", "forest", "it learns models of its own"),
    ],
)
def test_what_an_engine_does_not_run_is_named(short, kind, reason, fitted):
    assert reason in ENGINES[short].unsupported(fitted(kind))
    with pytest.raises(ValueError, match=reason):
        ENGINES[short].convert(fitted(kind))


@pytest.mark.parametrize("short", sorted(RUNS.keys() - {"sklearn"}))
def test_several_outputs_are_refused_by_their_number(short, rows):
    labels = np.random.default_rng(1).integers(0, 2, (len(rows), 2))
    model = RandomForestClassifier(3, random_state=1).fit(rows, labels)
    assert "2 outputs: one is supported" in ENGINES[short].unsupported(model)


def test_hummingbird_refuses_labels_that_are_no_integers(rows):
    labels = np.where(rows[:, 0] > 0, "yes", "no")
    model = RandomForestClassifier(3, random_state=1).fit(rows, labels)
    assert "only integers" in ENGINES["hummingbird-torch"].unsupported(model)


def test_hummingbird_predicts_in_parts_what_would_fill_the_memory(fitted, rows, monkeypatch):
    model = fitted("forest")
    monkeypatch.setattr("unlocked.inference.engines.hummingbird.LARGEST", 7 * 32)
    predictor = ENGINES["hummingbird-torch"].convert(model)
    Expected(model, rows).refuse_other(predictor.answer(rows))


def test_an_optional_engine_is_a_reason_or_gives_the_answers(fitted, rows):
    for short in ENGINES.keys() - RUNS.keys() - {"river"}:
        engine, model = ENGINES[short], fitted("logistic")
        if engine.unsupported(model) is None:
            Expected(model, rows).refuse_other(engine.convert(model).answer(rows))
        else:
            assert engine.unsupported(model)
