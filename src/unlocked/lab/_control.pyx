"""Register-only loops that do no memory traffic: one releases the GIL, its twin holds it."""

from libc.stdint cimport uint64_t

cdef extern from *:
    const char* UNLOCKED_DIGEST

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()


cdef inline uint64_t xorshift(uint64_t rounds) noexcept nogil:
    cdef uint64_t state = 88172645463325252ULL
    cdef uint64_t i
    for i in range(rounds):
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
    return state


def spin(uint64_t rounds):
    """Run `rounds` dependent xorshift64 steps (Marsaglia 2003) without the GIL."""
    cdef uint64_t state
    with nogil:
        state = xorshift(rounds)
    return state


def spin_holding(uint64_t rounds):
    """Run the loop of :func:`spin` and hold the GIL throughout."""
    return xorshift(rounds)
