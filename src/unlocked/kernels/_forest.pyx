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
        uint32_t key, number
        int32_t left
        uint32_t unused

    struct linked_forest:
        const linked_node* nodes
        const uint64_t* roots
        const uint32_t* places
        const double* values
        size_t trees, features, num_places, outputs

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

cdef size_t KEYS = 1 << 17  # of a chunk, so that they stay in a cache

SOURCE_DIGEST = UNLOCKED_DIGEST.decode()
ROWS_OF_BLOCK = BLOCK
ROWS_OF_CHUNK = CHUNK
TREES_OF_GROUP = TREES
TOP_LEVELS = TOP
FEATURES_OF_PLANE = PLANE


def has(str instructions):
    """Whether this processor runs the walks for a set of instructions."""
    return instructions == "plain" or (instructions == "avx512" and has_wide())


cdef class Walk:
    """A packed forest; each layout says what it needs and how it takes a chunk of rows."""

    cdef tuple arrays  # kept alive, as the structs below point into them
    cdef size_t trees, outputs

    cdef size_t most(self) noexcept nogil:
        """Rows of a chunk at most."""
        return CHUNK

    cdef size_t scratch(self, size_t rows) noexcept:
        """Bytes that a chunk of so many rows needs."""
        return 0

    cdef bint chunk(self, const float* x, size_t rows, void* scratch, double* sums) noexcept nogil:
        """Sum the trees' answers; return whether an infinite number was found."""
        return False

    def mean(self, const float[:, ::1] x, double[:, ::1] out):
        """Fill ``out`` with the trees' mean for each row; the GIL is free meanwhile.

        Returns whether an infinite number was found; it stops there, and ``out`` is of no use.
        """
        cdef size_t rows = x.shape[0], first = 0, here
        cdef bint infinite = False
        if rows == 0:
            return False
        cdef void* scratch = malloc(self.scratch(min(rows, self.most())))
        if scratch is NULL:
            raise MemoryError
        with nogil:
            while first < rows and not infinite:
                here = min(rows - first, self.most())
                infinite = self.chunk(&x[first, 0], here, scratch, &out[first, 0])
                divide(&out[first, 0], here * self.outputs, self.trees)
                first += here
            free(scratch)
        return infinite


cdef class Heap(Walk):
    """A forest in the layout ``heap``; the arrays are those of ``struct heap_forest``."""

    cdef heap_forest forest

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
        self.forest.trees = self.trees = nodes.shape[0]
        self.forest.features = starts.shape[0]
        self.forest.outputs = self.outputs = values.shape[1]
        self.forest.depth = nodes.shape[1].bit_length() - 2

    cdef size_t scratch(self, size_t rows) noexcept:
        return (rows + BLOCK - 1) // BLOCK * BLOCK * 2 * self.forest.features * sizeof(uint16_t)

    cdef bint chunk(self, const float* x, size_t rows, void* scratch, double* sums) noexcept nogil:
        return heap_chunk(&self.forest, x, rows, <uint16_t*>scratch, sums)


cdef class Wide(Walk):
    """A forest in the layout ``wide``; the arrays are those of ``struct wide_forest``."""

    cdef wide_forest forest

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
        self.forest.trees = self.trees = trees
        self.forest.features = search_starts.shape[0]
        self.forest.outputs = self.outputs = values.shape[1]
        self.forest.depth = depth
        self.forest.child_bits = child_bits

    cdef size_t scratch(self, size_t rows) noexcept:
        return rows * 2 * PLANE * sizeof(uint16_t)

    cdef bint chunk(self, const float* x, size_t rows, void* scratch, double* sums) noexcept nogil:
        return wide_chunk(&self.forest, x, rows, <uint16_t*>scratch, sums)


cdef class Linked(Walk):
    """A forest in the layout ``linked``; the arrays are those of ``struct linked_forest``."""

    cdef linked_forest forest

    def __cinit__(
        self,
        const uint32_t[:, ::1] nodes,
        const uint64_t[::1] roots,
        const uint32_t[::1] places,
        const double[:, ::1] values,
        size_t features,
    ):
        self.arrays = (nodes, roots, places, values)
        self.forest.nodes = <const linked_node*>&nodes[0, 0]
        self.forest.roots = &roots[0]
        self.forest.places = &places[0]
        self.forest.values = &values[0, 0]
        self.forest.trees = self.trees = roots.shape[0]
        self.forest.features = features
        self.forest.num_places = places.shape[0]
        self.forest.outputs = self.outputs = values.shape[1]

    cdef size_t most(self) noexcept nogil:
        return max(BLOCK, min(CHUNK, KEYS // self.forest.num_places))

    cdef size_t scratch(self, size_t rows) noexcept:
        return rows * self.forest.num_places * sizeof(uint32_t)

    cdef bint chunk(self, const float* x, size_t rows, void* scratch, double* sums) noexcept nogil:
        return linked_chunk(&self.forest, x, rows, <uint32_t*>scratch, sums)
