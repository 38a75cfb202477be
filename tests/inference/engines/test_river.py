import pytest

from unlocked.inference.engines import river


@pytest.mark.parametrize("kind", river.KINDS)
@pytest.mark.parametrize("library", ["river", "sklearn", "onnxruntime"])
def test_all_answer_as_the_parameters_of_their_model_say(kind, library):
    given = river.inputs(kind, library, features=6, seed=2)
    river.check(river.answer(**given), given)
    given["expected"] += 1e-5
    with pytest.raises(AssertionError):
        river.check(river.answer(**given), given)


def test_stochastic_gradient_descent_is_the_same_in_both_libraries():
    found = river.differences(features=6, seed=2)
    assert found["logistic regression"].largest < 1e-12
    assert found["logistic regression"].labels == 0
    assert 0 < found["naive Bayes"].largest < 0.01


def test_a_fitted_model_is_refused():
    with pytest.raises(ValueError, match="learns models of its own"):
        river.convert(None)
