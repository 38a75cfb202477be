"""Register-only loops that do no memory traffic: two release the GIL, one holds it."""

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


def spin_wide(uint64_t rounds):
    """Run `rounds` steps of eight independent xorshift64 generators without the GIL.

    They fill the core's execution units. One generator leaves most of them idle, and so a second
    thread on the same core (SMT) would hardly slow it down.
    """
    cdef uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8
    cdef uint64_t i
    with nogil:
        for i in range(rounds):
            a ^= a << 13; b ^= b << 13; c ^= c << 13; d ^= d << 13
            e ^= e << 13; f ^= f << 13; g ^= g << 13; h ^= h << 13
            a ^= a >> 7; b ^= b >> 7; c ^= c >> 7; d ^= d >> 7
            e ^= e >> 7; f ^= f >> 7; g ^= g >> 7; h ^= h >> 7
            a ^= a << 17; b ^= b << 17; c ^= c << 17; d ^= d << 17
            e ^= e << 17; f ^= f << 17; g ^= g << 17; h ^= h << 17
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h
