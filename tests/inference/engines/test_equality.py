import numpy as np
import pytest

from unlocked.inference.engines.equality import TOLERANCE, Expected


@pytest.fixture
def expected(fitted, rows):
    return Expected(fitted("forest"), rows)


def test_the_same_answer_agrees(expected):
    agreement = expected.agreement(expected.answer, expected.predicted)
    assert agreement.equal
    assert (agreement.difference, agreement.beyond, agreement.wrong) == (0.0, 0, 0)
    expected.refuse_other(expected.answer)
    expected.refuse_another_bit(expected.answer)


def test_a_difference_within_the_tolerance_is_equal_but_not_the_same_bits(expected):
    nearly = expected.answer + TOLERANCE / 2
    assert expected.agreement(nearly, expected.predicted).equal
    expected.refuse_other(nearly)
    with pytest.raises(AssertionError, match="values differ"):
        expected.refuse_another_bit(nearly)


@pytest.mark.parametrize("wrong", [1e-3, np.nan, np.inf])
def test_one_wrong_probability_is_caught(expected, wrong):
    answer = expected.answer.copy()
    answer[7, 0] += wrong
    agreement = expected.agreement(answer, expected.predicted)
    assert (agreement.equal, agreement.beyond) == (False, 1)
    with pytest.raises(AssertionError, match="1 of 400 values differ"):
        expected.refuse_other(answer)


def test_columns_in_another_order_are_caught(expected):
    with pytest.raises(AssertionError):
        expected.refuse_other(expected.answer[:, ::-1])


def test_an_answer_of_another_shape_is_caught(expected):
    with pytest.raises(AssertionError, match=r"shape \(200,\)"):
        expected.refuse_other(expected.answer[:, 1])


def test_a_wrong_label_counts_away_from_ties_alone():
    class Tied:
        classes_ = np.array([0, 1])
        _estimator_type = "classifier"

        def predict_proba(self, rows):
            return np.array([[0.5, 0.5], [0.9, 0.1]])

        def predict(self, rows):
            return np.array([0, 0])

        def __sklearn_tags__(self):
            from sklearn.utils import ClassifierTags, Tags, TargetTags

            return Tags("classifier", TargetTags(True), classifier_tags=ClassifierTags())

    expected = Expected(Tied(), np.zeros((2, 1)))
    at_tie = expected.agreement(expected.answer, np.array([1, 0]))
    elsewhere = expected.agreement(expected.answer, np.array([0, 1]))
    assert (at_tie.equal, at_tie.ties, at_tie.flipped, at_tie.wrong) == (True, 1, 1, 0)
    assert (elsewhere.equal, elsewhere.flipped, elsewhere.wrong) == (False, 0, 1)


def test_labels_alone_are_compared_where_there_are_no_probabilities(fitted, rows):
    expected = Expected(fitted("svc"), rows)
    assert expected.agreement(expected.answer, expected.predicted).difference is None
    wrong = expected.answer.copy()
    wrong[np.flatnonzero(expected.sure)[0]] ^= 1
    with pytest.raises(AssertionError, match="1 of 200 labels away from ties differ"):
        expected.refuse_other(wrong)


def test_values_of_a_regression_are_compared(fitted, rows):
    expected = Expected(fitted("forest regressor"), rows)
    assert expected.agreement(expected.answer, expected.answer).equal
    with pytest.raises(AssertionError, match="differ"):
        expected.refuse_other(expected.answer + 1e-3)
