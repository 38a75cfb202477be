import pytest

from unlocked.inference.engines.equality import Agreement
from unlocked.inference.engines.exam import Exam
from unlocked.inference.engines.results import Results
from unlocked.inference.engines.table import Case
from unlocked.lab.timing import TWIN, Comparison

SECONDS = {
    ("forest", "sklearn", 1): 4e-3,
    ("forest", "onnxruntime", 1): 1e-5,
    ("forest", "tl2cgen", 1): 2e-5,
    ("forest", "packed", 1): 5e-6,
    ("forest", "sklearn", 100): 1e-2,
    ("forest", "tl2cgen", 100): 2e-2,
    ("bayes", "sklearn", 1): 1e-4,
    ("bayes", "onnxruntime", 1): 8e-5,
}


@pytest.fixture
def results():
    agreed = Agreement(rows=9, difference=0.0, beyond=0, ties=0, flipped=0, wrong=0)
    passed, failed = Exam(conversion=1.0, agreement=agreed), Exam(reason="it cannot")
    names = {Case(model=m, engine=e, rows=n).label: t for (m, e, n), t in SECONDS.items()}
    samples = {name: [[t, t]] * 5 for name, t in names.items()}
    fields = ("seconds", "cpu_seconds", "own_cpu_seconds", "waited", "steal")
    timed = Comparison(
        baseline="forest | sklearn | 1",
        names=list(names),
        threads=1,
        cores=2,
        **{field: samples | {TWIN: samples["forest | sklearn | 1"]} for field in fields},
        first_call={},
        calls={},
        control=[],
        short_rounds=0,
        repeated_rounds=0,
    )
    exams = {
        short: {
            "forest": passed,
            "bayes": passed if short in ("sklearn", "onnxruntime") else failed,
        }
        for short in ("sklearn", "onnxruntime", "tl2cgen", "packed")
    }
    return Results(exams, timed)


def test_the_fastest_depends_on_the_batch(results):
    assert results.fastest("forest", 1) == "packed"
    assert results.fastest("forest", 100) == "sklearn"
    assert results.fastest("forest", 7) is None
    assert results.engines("bayes", 1) == ["sklearn", "onnxruntime"]


def test_ratios_are_over_scikit_learn(results):
    assert results.speedup("forest", "onnxruntime", 1).estimate == pytest.approx(400)
    assert results.pays_after("forest", "onnxruntime", 1) == "251 calls"
    assert results.pays_after("forest", "tl2cgen", 100) == "never"


def test_leads_are_over_libraries_of_every_model(results):
    leads = {
        model: (best, ratio) for model, best, ratio in results.leads_for_one_row("onnxruntime")
    }
    assert {model: best for model, (best, _) in leads.items()} == {
        "forest": "tl2cgen",
        "bayes": "sklearn",
    }
    assert leads["forest"][1].estimate == pytest.approx(2)
    assert leads["bayes"][1].estimate == pytest.approx(1.25)


def test_the_table_has_every_engine_and_says_what_is_not_there(results):
    frame = results.frame("bayes", [1])
    assert frame["engine"].iloc[0] == "scikit-learn"
    assert frame.set_index("engine").loc["tl2cgen", "answers"] == "not run: it cannot"
    assert frame.set_index("engine").loc["tl2cgen", "1 row"] == "–"
    whole = results.frame("forest", [1, 100]).set_index("engine")
    assert whole.loc["tl2cgen", "pays after, at 100"] == "never"
    assert whole.loc["ONNX Runtime", "pays after, at 1"] == "251 calls"
