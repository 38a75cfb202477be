"""The walks of ``forest.h``; import them by way of ``forest``."""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

cdef extern from *:
    const char* UNLOCKED_DIGEST

cdef extern from "forest.h":
    const size_t BLOCK, CHUNK, TREES, TOP, PLANE

    struct heap_forest:
        const uint32_t* nodes
        const uint32_t* searches
        const uint64_t* starts
        const uint8_t* steps
        const double* values
        size_t trees, features, outputs
        int depth

    struct wide_forest:
        const uint32_t* top
        const uint32_t* nodes
        const uint32_t* starts
        const uint32_t* searches
        const uint64_t* search_starts
        const uint8_t* steps
        const double* values
        size_t trees, features, outputs
        int depth, child_bits

    struct linked_node:
        uint32_t key, place
        int32_t left
        uint32_t unused

    struct linked_forest:
        const linked_node* nodes
        const uint64_t* roots
        const double* values
        size_t trees, features, outputs

    int heap_chunk(
        const heap_forest*, const float*, size_t, uint16_t*, double*
    ) noexcept nogil
    int wide_chunk(
        const wide_forest*, const float*, size_t, uint16_t*, double*
    ) noexcept nogil
    bint has_wide()
    int linked_chunk(
        const linked_forest*, const float*, size_t, uint32_t*, double*
    ) noexcept nogil
    void divide(double*, size_t, size_t) noexcept nogil

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()
ROWS_OF_BLOCK = BLOCK
ROWS_OF_CHUNK = CHUNK
TREES_OF_GROUP = TREES
TOP_LEVELS = TOP
FEATURES_OF_PLANE = PLANE


def has(str instructions):
    """Whether this processor runs the walks for a set of instructions."""
    return instructions == "plain" or (instructions == "avx512" and has_wide())


cdef class Heap:
    """A forest in the layout ``heap``; the arrays are those of ``struct heap_forest``."""

    cdef heap_forest forest
    cdef tuple arrays

    def __cinit__(
        self,
        const uint32_t[:, ::1] nodes,
        const uint32_t[::1] searches,
        const uint64_t[::1] starts,
        const uint8_t[::1] steps,
        const double[:, ::1] values,
    ):
        self.arrays = (nodes, searches, starts, steps, values)
        self.forest.nodes = &nodes[0, 0]
        self.forest.searches = &searches[0]
        self.forest.starts = &starts[0]
        self.forest.steps = &steps[0]
        self.forest.values = &values[0, 0]
        self.forest.trees = nodes.shape[0]
        self.forest.features = starts.shape[0]
        self.forest.outputs = values.shape[1]
        self.forest.depth = nodes.shape[1].bit_length() - 2

    def mean(self, const float[:, ::1] x, double[:, ::1] out):
        """Fill ``out`` with the trees' mean for each row; the GIL is free meanwhile.

        Returns whether an infinite number was found; it stops there, and ``out`` is of no use.
        """
        cdef const heap_forest* forest = &self.forest
        cdef size_t rows = x.shape[0], first = 0, here
        cdef size_t held = min(rows, CHUNK)
        cdef size_t blocks = (held + BLOCK - 1) // BLOCK
        cdef bint infinite = False
        if rows == 0:
            return False
        cdef uint16_t* ranks = <uint16_t*>malloc(blocks * BLOCK * 2 * forest.features * 2)
        if ranks is NULL:
            raise MemoryError
        with nogil:
            while first < rows and not infinite:
                here = min(rows - first, CHUNK)
                infinite = heap_chunk(forest, &x[first, 0], here, ranks, &out[first, 0])
                divide(&out[first, 0], here * forest.outputs, forest.trees)
                first += here
            free(ranks)
        return infinite


cdef class Wide:
    """A forest in the layout ``wide``; the arrays are those of ``struct wide_forest``."""

    cdef wide_forest forest
    cdef tuple arrays

    def __cinit__(
        self,
        const uint32_t[:, :, ::1] top,
        const uint32_t[::1] nodes,
        const uint32_t[:, ::1] starts,
        const uint32_t[::1] searches,
        const uint64_t[::1] search_starts,
        const uint8_t[::1] steps,
        const double[:, ::1] values,
        size_t trees,
        int depth,
        int child_bits,
    ):
        self.arrays = (top, nodes, starts, searches, search_starts, steps, values)
        self.forest.top = &top[0, 0, 0]
        self.forest.nodes = &nodes[0]
        self.forest.starts = &starts[0, 0]
        self.forest.searches = &searches[0]
        self.forest.search_starts = &search_starts[0]
        self.forest.steps = &steps[0]
        self.forest.values = &values[0, 0]
        self.forest.trees = trees
        self.forest.features = search_starts.shape[0]
        self.forest.outputs = values.shape[1]
        self.forest.depth = depth
        self.forest.child_bits = child_bits

    def mean(self, const float[:, ::1] x, double[:, ::1] out):
        """Do what :meth:`Heap.mean` does."""
        cdef const wide_forest* forest = &self.forest
        cdef size_t rows = x.shape[0], first = 0, here
        cdef bint infinite = False
        if rows == 0:
            return False
        cdef uint16_t* ranks = <uint16_t*>malloc(min(rows, CHUNK) * 2 * PLANE * 2)
        if ranks is NULL:
            raise MemoryError
        with nogil:
            while first < rows and not infinite:
                here = min(rows - first, CHUNK)
                infinite = wide_chunk(forest, &x[first, 0], here, ranks, &out[first, 0])
                divide(&out[first, 0], here * forest.outputs, forest.trees)
                first += here
            free(ranks)
        return infinite


cdef class Linked:
    """A forest in the layout ``linked``; the arrays are those of ``struct linked_forest``."""

    cdef linked_forest forest
    cdef tuple arrays

    def __cinit__(
        self,
        const uint32_t[:, ::1] nodes,
        const uint64_t[::1] roots,
        const double[:, ::1] values,
        size_t features,
    ):
        self.arrays = (nodes, roots, values)
        self.forest.nodes = <const linked_node*>&nodes[0, 0]
        self.forest.roots = &roots[0]
        self.forest.values = &values[0, 0]
        self.forest.trees = roots.shape[0]
        self.forest.features = features
        self.forest.outputs = values.shape[1]

    def mean(self, const float[:, ::1] x, double[:, ::1] out):
        """Do what :meth:`Heap.mean` does."""
        cdef const linked_forest* forest = &self.forest
        cdef size_t rows = x.shape[0], first = 0, here
        cdef bint infinite = False
        if rows == 0:
            return False
        cdef uint32_t* keys = <uint32_t*>malloc(2 * forest.features * min(rows, CHUNK) * 4)
        if keys is NULL:
            raise MemoryError
        with nogil:
            while first < rows and not infinite:
                here = min(rows - first, CHUNK)
                infinite = linked_chunk(forest, &x[first, 0], here, keys, &out[first, 0])
                divide(&out[first, 0], here * forest.outputs, forest.trees)
                first += here
            free(keys)
        return infinite
