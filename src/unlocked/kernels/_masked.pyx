"""A bit generator that hands on another one's words, with chosen bits of each cleared or set."""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    const char* UNLOCKED_DIGEST

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()


cdef struct Bits:  # NumPy's bitgen_t
    void* state
    uint64_t (*next_uint64)(void*) noexcept nogil
    uint32_t (*next_uint32)(void*) noexcept nogil
    double (*next_double)(void*) noexcept nogil
    uint64_t (*next_raw)(void*) noexcept nogil


cdef struct Masked:
    Bits source
    uint64_t mask, ones


cdef uint64_t masked_uint64(void* state) noexcept nogil:
    cdef Masked* own = <Masked*> state
    return own.source.next_uint64(own.source.state) & own.mask | own.ones


cdef uint32_t same_uint32(void* state) noexcept nogil:
    cdef Masked* own = <Masked*> state
    return own.source.next_uint32(own.source.state)


cdef double same_double(void* state) noexcept nogil:
    cdef Masked* own = <Masked*> state
    return own.source.next_double(own.source.state)


cdef uint64_t same_raw(void* state) noexcept nogil:
    cdef Masked* own = <Masked*> state
    return own.source.next_raw(own.source.state)


cdef class MaskedBits:
    """What ``numpy.random.Generator`` asks of a bit generator: a capsule and a lock.

    Parameters
    ----------
    source : numpy.random.BitGenerator
        Where the words come from; it is advanced as they are drawn.
    mask : int
        Bits of a 64-bit word to keep. Doubles and 32-bit words pass as they are.
    ones : int
        Bits to set after that.
    """

    cdef Masked own
    cdef Bits bits
    cdef readonly object source, lock, capsule

    def __init__(self, source, uint64_t mask, uint64_t ones):
        self.source = source
        self.lock = source.lock
        self.own.source = (<Bits*> PyCapsule_GetPointer(source.capsule, "BitGenerator"))[0]
        self.own.mask = mask
        self.own.ones = ones
        self.bits.state = &self.own
        self.bits.next_uint64 = masked_uint64
        self.bits.next_uint32 = same_uint32
        self.bits.next_double = same_double
        self.bits.next_raw = same_raw
        self.capsule = PyCapsule_New(&self.bits, "BitGenerator", NULL)
