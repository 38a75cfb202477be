from math import inf, log

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unlocked.parallel import breakeven
from unlocked.parallel.breakeven import BreakEven, Model

costs = st.floats(1e-6, 1e-2)
counts = st.integers(1, 200)
workers = st.floats(1.1, 64)


class TestModel:
    def test_the_call_is_its_overhead_and_a_share_of_the_work(self):
        assert Model(0.001, 0.0001, 2).seconds(10, 0.01) == pytest.approx(0.001 + 0.001 + 0.05)

    def test_a_poll_rounds_up(self):
        polled = Model(0.001, 0.0001, 2, poll_seconds=0.01)
        assert polled.seconds(10, 0.0) == pytest.approx(0.01)
        assert polled.seconds(10, 0.01) == pytest.approx(0.06)

    @given(call=costs, task=costs, workers=workers, tasks=counts)
    @settings(deadline=None)
    def test_at_the_break_even_both_take_the_same_time(self, call, task, workers, tasks):
        model = Model(call, task, workers)
        length = model.break_even_length(tasks)
        assert model.seconds(tasks, length) == pytest.approx(tasks * length)

    @given(call=costs, task=costs, workers=workers, tasks=counts, poll=st.sampled_from([0, 0.01]))
    @settings(deadline=None)
    def test_it_is_the_first_length_that_pays(self, call, task, workers, tasks, poll):
        model = Model(call, task, workers, poll)
        length = model.break_even_length(tasks)
        at = min(model.seconds(tasks, length * nearly) for nearly in (1 - 1e-9, 1, 1 + 1e-9))
        assert at <= tasks * length * (1 + 1e-6)
        for share in (0.3, 0.6, 0.9, 0.99):
            assert model.seconds(tasks, share * length) > tasks * share * length

    def test_a_poll_hides_work_instead_of_adding_to_it(self):
        polled = Model(0.0001, 0.0, 2, poll_seconds=0.01)
        added = Model(0.0101, 0.0, 2)
        assert polled.break_even_length(10) == pytest.approx(0.001)
        assert added.break_even_length(10) == pytest.approx(0.00202)

    @pytest.mark.parametrize("poll", [0.0, 0.01])
    def test_one_core_never_pays(self, poll):
        assert Model(0.001, 0.0001, 1, poll).break_even_length(10) == inf
        assert Model(0.001, 0.0001, 1, poll).break_even_tasks(1.0) == inf

    @given(call=costs, task=costs, workers=workers, length=costs)
    @settings(deadline=None)
    def test_the_least_number_of_tasks_pays_and_one_less_does_not(
        self, call, task, workers, length
    ):
        model = Model(call, task, workers, 0.01)
        tasks = model.break_even_tasks(length)
        assume(tasks < 5_000)
        assert model.seconds(tasks, length) <= tasks * length
        if tasks > 1:
            assert model.seconds(tasks - 1, length) > (tasks - 1) * length


class TestFit:
    @given(call=costs, task=costs, counts=st.sets(counts, min_size=2, max_size=5))
    @settings(deadline=None)
    def test_it_finds_the_costs_it_was_made_of(self, call, task, counts):
        numbers = sorted(counts)
        seconds = [call + n * task for n in numbers]
        model = breakeven.fit(numbers, seconds, workers=2, poll_seconds=0.01)
        assert model.call_seconds == pytest.approx(call, rel=1e-4, abs=1e-9)
        assert model.task_seconds == pytest.approx(task, rel=1e-4)
        assert (model.workers, model.poll_seconds) == (2, 0.01)

    def test_noise_makes_no_negative_cost(self):
        model = breakeven.fit([2, 16], [0.002, 0.001], workers=2)
        assert model.task_seconds == 0
        assert model.call_seconds > 0

    def test_one_number_of_tasks_makes_no_line(self):
        with pytest.raises(ValueError, match="two different numbers of tasks"):
            breakeven.fit([2, 2], [0.1, 0.2], workers=2)


class TestCrossing:
    def test_it_is_interpolated_on_log_axes(self):
        assert breakeven.crossing([1.0, 10.0, 100.0], [0.1, 0.5, 2.0]) == pytest.approx(10**1.5)

    def test_it_is_the_first_one_as_in_the_model(self):
        found = breakeven.crossing([1.0, 2.0, 4.0, 8.0], [0.5, 1.1, 0.9, 2.0])
        assert 1 < found < 2

    def test_never_and_always(self):
        assert breakeven.crossing([1.0, 2.0], [0.5, 0.9]) == inf
        assert breakeven.crossing([1.0, 2.0], [1.5, 1.9]) == 1.0

    def test_a_sweep_gives_one_value_a_process(self):
        class Sweep:
            """Two processes: the gain is the length over its break-even."""

            def log_ratios(self, name, over):
                assert over == name.replace("threads", "serial")
                length = float(name.split(", ")[1])
                return [log(length / 2), log(length / 8), log(length / 4)]

        lengths = {str(2.0**power): 2.0**power for power in range(6)}
        found = breakeven.measured(Sweep(), lengths, "threads")
        assert (found.low, found.length, found.high) == pytest.approx((2, 4, 8))

    def test_the_fastest_calls_give_one_value(self):
        class Sweep:
            """Serial tasks double in length, the pool always takes 4 seconds."""

            def minimum(self, name):
                kind, power = name.split(", ")
                return 2.0 ** float(power) if kind == "serial" else 4.0

        found = breakeven.of_fastest(Sweep(), ["1", "3", "4"], tasks=2, backend="threads")
        assert found.low == found.length == found.high == pytest.approx(2)


class TestAgreement:
    @pytest.mark.parametrize(
        ("measured", "predicted", "agree"),
        [(1.0, 1.9, True), (1.0, 0.51, True), (1.0, 2.1, False), (1.0, 0.4, False)],
    )
    def test_within_a_factor_of_two(self, measured, predicted, agree):
        assert BreakEven(measured, measured, measured).agrees_with(predicted) is agree

    def test_never_agrees_with_never_alone(self):
        never = BreakEven(inf, inf, inf)
        assert never.agrees_with(inf)
        assert not never.agrees_with(1.0)
        assert not BreakEven(1.0, 1.0, 1.0).agrees_with(inf)
