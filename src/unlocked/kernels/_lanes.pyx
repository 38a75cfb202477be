"""The kernels of ``lanes.h``; import them by way of ``lanes``, ``normal`` and the ``ou_`` modules."""

import numpy as np

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    const char* UNLOCKED_DIGEST

cdef extern from "lanes.h":
    struct key:
        uint32_t low, high

    struct kernels:
        void (*ou_update)(
            const double*, double*, size_t, double, double, double, int
        ) noexcept nogil
        void (*ou_columns)(
            const double*, double*, size_t, double, double, double
        ) noexcept nogil
        void (*ou_fused)(
            key, uint64_t, uint64_t, double*, size_t, double, double, double, int
        ) noexcept nogil
        void (*normal_fill)(key, uint64_t, uint64_t, double*, size_t) noexcept nogil
        void (*philox_words)(key, uint64_t, uint64_t, uint64_t*, uint64_t*) noexcept nogil

    const kernels* kernels_for(const char*)

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()


cdef const kernels* chosen(str instructions) except NULL:
    cdef const kernels* found = kernels_for(instructions.encode())
    if found is NULL:
        raise ValueError(f"this processor has no {instructions} instructions")
    return found


def has(str instructions):
    """Whether this processor runs the kernels for a set of instructions."""
    return kernels_for(instructions.encode()) is not NULL


def ou_update(
    const double[::1] noise,
    double[::1] out,
    double relax,
    double diffuse,
    double x0,
    str instructions,
    bint streaming,
):
    """Fill ``out`` with a path from given noise; the GIL is free meanwhile."""
    cdef const kernels* with_these = chosen(instructions)
    cdef size_t n = noise.shape[0]
    cdef const double* normals = &noise[0] if n else NULL
    with nogil:
        with_these.ou_update(normals, &out[0], n, relax, diffuse, x0, streaming)


def ou_columns(
    const double[:, ::1] noise,
    double[:, ::1] out,
    double relax,
    double diffuse,
    double x0,
    str instructions,
):
    """Fill ``out``, of eight columns, with a path in each; the GIL is free meanwhile."""
    cdef const kernels* with_these = chosen(instructions)
    cdef size_t n = noise.shape[0]
    cdef const double* normals = &noise[0, 0] if n else NULL
    with nogil:
        with_these.ou_columns(normals, &out[0, 0], n, relax, diffuse, x0)


def ou_fused(
    uint32_t low,
    uint32_t high,
    uint64_t stream,
    uint64_t group,
    double[::1] out,
    double relax,
    double diffuse,
    double x0,
    str instructions,
    bint streaming,
):
    """Fill ``out`` with a path of its own noise; the GIL is free meanwhile."""
    cdef const kernels* with_these = chosen(instructions)
    cdef key of_seed = key(low, high)
    with nogil:
        with_these.ou_fused(
            of_seed, stream, group, &out[0], out.shape[0] - 1, relax, diffuse, x0, streaming
        )


def normal_fill(
    uint32_t low, uint32_t high, uint64_t stream, uint64_t first, double[::1] out, str instructions
):
    """Fill ``out`` with normal numbers; the GIL is free meanwhile."""
    cdef const kernels* with_these = chosen(instructions)
    cdef key of_seed = key(low, high)
    cdef size_t n = out.shape[0]
    if n:
        with nogil:
            with_these.normal_fill(of_seed, stream, first, &out[0], n)


def philox_words(uint32_t low, uint32_t high, uint64_t stream, uint64_t block, str instructions):
    """The two words of each of eight counters from ``block`` on, as an array of shape (2, 8)."""
    cdef const kernels* with_these = chosen(instructions)
    words = np.empty((2, 8), np.uint64)
    cdef uint64_t[:, ::1] view = words
    with_these.philox_words(key(low, high), stream, block, &view[0, 0], &view[1, 0])
    return words
