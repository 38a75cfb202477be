"""One generator: bits, transforms, siblings without a sign, and checks that do catch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.kernels import generators
from unlocked.kernels.generators import BIT_GENERATORS, SIGN_CLEARED, SIGN_KEPT, SIGN_SET

N = 20_000

every_bit_generator = pytest.mark.parametrize("bits", BIT_GENERATORS)


def drawn(draw, n=N, seed=1, **arguments):
    return draw(**generators.draw_inputs(n, seed), **arguments)


@every_bit_generator
def test_numbers_are_those_of_numpy_and_pass_their_checks(bits):
    fresh = getattr(np.random, bits)
    inputs = generators.draw_inputs(N, 1)
    for draw, check, expected in (
        (
            generators.words,
            generators.check_words,
            np.random.Generator(fresh(1)).integers(0, 2**64, N, dtype=np.uint64),
        ),
        (
            generators.uniforms,
            generators.check_uniforms,
            np.random.Generator(fresh(1)).random(N),
        ),
        (
            generators.ziggurat,
            generators.check_normals,
            np.random.Generator(fresh(1)).standard_normal(N),
        ),
        (
            generators.polar,
            generators.check_normals,
            np.random.RandomState(fresh(1)).standard_normal(N),
        ),
    ):
        found = drawn(draw, bits=bits)
        np.testing.assert_array_equal(found, expected)
        check(found, inputs)


def test_numbers_of_a_counter_are_normal_and_the_same_in_every_call():
    first, second = drawn(generators.from_counter), drawn(generators.from_counter)
    assert first.tobytes() == second.tobytes()
    generators.check_normals(first, generators.draw_inputs(N, 1))


class TestTheSiblings:
    @given(st.integers(0, 2**32), st.integers(1, 3000))
    def test_differ_in_signs_alone(self, seed, n):
        kept = drawn(generators.ziggurat, n, seed, bits=SIGN_KEPT)
        for bits in (SIGN_CLEARED, SIGN_SET):
            found = drawn(generators.ziggurat, n, seed, bits=bits)
            np.testing.assert_array_equal(np.abs(found), np.abs(kept))

    def test_the_one_that_keeps_the_sign_is_pcg64(self):
        kept = drawn(generators.ziggurat, bits=SIGN_KEPT)
        np.testing.assert_array_equal(kept, drawn(generators.ziggurat, bits="PCG64"))
        np.testing.assert_array_equal(
            drawn(generators.uniforms, bits=SIGN_CLEARED), drawn(generators.uniforms, bits="PCG64")
        )

    def test_without_the_sign_only_the_tail_is_negative(self):
        cleared = drawn(generators.ziggurat, 400_000, bits=SIGN_CLEARED)
        negative = cleared[cleared < 0]
        assert negative.size
        assert negative.max() < -3.65
        generators.check_magnitudes(cleared[:N], generators.draw_inputs(N, 1))

    def test_with_the_sign_set_only_the_tail_is_positive(self):
        found = drawn(generators.ziggurat, 400_000, bits=SIGN_SET)
        assert found[found > 0].min() > 3.65

    def test_integers_show_which_bit_is_cleared(self):
        plain, cleared, always = (
            drawn(generators.words, bits=bits) for bits in ("PCG64", SIGN_CLEARED, SIGN_SET)
        )
        sign = np.uint64(generators.SIGN_BIT)
        np.testing.assert_array_equal(cleared, plain & ~sign)
        np.testing.assert_array_equal(always, plain | sign)

    def test_the_source_may_go_out_of_scope(self):
        bits = generators.bit_generator(SIGN_KEPT, 3)
        rng = np.random.Generator(bits)
        del bits
        expected = np.random.default_rng(3).standard_normal(5)
        np.testing.assert_array_equal(rng.standard_normal(5), expected)


def test_an_unknown_bit_generator_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="no bit generator 'PCG32': name one of MT19937, PCG64"):
        generators.bit_generator("PCG32", 1)


class TestWordsTaken:
    def test_a_uniform_takes_one(self):
        assert generators.words_taken("uniform", 1001, 1) == 1

    def test_the_polar_method_takes_what_the_circle_leaves(self):
        """Pairs in the square are kept with probability π/4: 4/π words a number."""
        assert generators.words_taken("polar", 200_000, 1) == pytest.approx(4 / np.pi, rel=0.01)

    def test_the_ziggurat_seldom_takes_a_second(self):
        assert 1.01 < generators.words_taken("ziggurat", 200_000, 1) < 1.03

    @pytest.mark.parametrize(
        ("transform", "n", "message"),
        [("inverse", 10, "no transform 'inverse': name one of"), ("polar", 0, "at least 1, not 0")],
    )
    def test_refuses(self, transform, n, message):
        with pytest.raises(ValueError, match=message):
            generators.words_taken(transform, n, 1)


class TestChecksCatch:
    """A check that lets everything pass is none."""

    inputs = generators.draw_inputs(N, 1)
    rng = np.random.default_rng(5)

    @pytest.mark.parametrize(
        ("check", "wrong", "message"),
        [
            ("words", rng.integers(0, 2**63, N, dtype=np.uint64), "bit 63 is set"),
            ("words", rng.random(N), "not uint64"),
            ("uniforms", rng.random(N) ** 1.1, "the distribution strays"),
            ("uniforms", rng.random(N) + 0.5, "out of range"),
            ("uniforms", np.full(N, np.nan), "not finite"),
            ("uniforms", np.repeat(rng.random(N // 2), 2), "products of neighbours"),
            ("normals", 1.05 * rng.standard_normal(N), "the squares stray"),
            ("normals", rng.standard_normal(N // 2), "shape"),
            ("normals", np.sort(rng.standard_normal(N)), "products of neighbours"),
            ("magnitudes", rng.random(N), "the distribution strays"),
        ],
    )
    def test_wrong_numbers(self, check, wrong, message):
        with pytest.raises(AssertionError, match=message):
            getattr(generators, f"check_{check}")(wrong, self.inputs)
