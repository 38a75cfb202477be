"""Which instructions the kernels of several lanes use: chosen on loading, and shown by name.

They are written once in C (``lanes_kernels.h``) and compiled for ``avx512`` (eight numbers in a
register), ``avx2`` (four) and ``plain`` (any processor, one at a time).
"""

from unlocked.extensions import load

compiled = load("unlocked.kernels._lanes")

AVAILABLE: tuple[str, ...] = tuple(
    name for name in ("avx512", "avx2", "plain") if compiled.has(name)
)
"""The sets that this processor has, the widest first."""

WIDEST: str = AVAILABLE[0]

STREAM_BYTES = 16 * 2**20
"""Results of this size on are written past the caches: they would not stay there anyway."""


def checked_instructions(instructions: str | None) -> str:
    """Return the name of a set of instructions, the widest for None.

    Raises
    ------
    ValueError
        Where this processor has no such set.
    """
    if instructions is None:
        return WIDEST
    if instructions not in AVAILABLE:
        raise ValueError(
            f"instructions must be one of {', '.join(AVAILABLE)} on this processor, "
            f"not {instructions!r}"
        )
    return instructions
