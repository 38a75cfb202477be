/* A forest of decision trees, walked by many rows at once.

   A row goes right where its feature exceeds the node's threshold. What is compared is unsigned
   integers that keep the order of the numbers, so that one comparison and one addition with carry
   make a step: at = 2 * at + (threshold < value). No step branches, and LANES walks that do not
   wait for each other hide the time that memory takes to answer.

   heap: every tree is filled up to the depth of the deepest, the children of node i are 2i and
   2i + 1, and numbers are replaced by their rank among the feature's thresholds; a node is one
   word (rank below, place of the feature above) and needs no pointer.
   linked: a node holds the place of its left child, the right one follows; for deep trees.
   wide: sixteen trees in the lanes of a register, for processors that have AVX-512; see below.

   A missing value must go where the node sends it, so each feature has two planes: one in which
   missing is below everything, and one in which it is above. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 8         /* walks at once */
#define RANKED 16       /* searches at once */
#define BLOCK 64        /* rows whose features lie side by side */
#define CHUNK 1024       /* rows that one tree sees before the next tree comes */
#define ABOVE_ALL 65535 /* the rank of a missing value in the second plane */

struct heap_forest {
  const uint32_t *nodes;    /* trees of 2 << depth words; leaf numbers from 1 << depth on */
  const uint32_t *searches; /* for each feature its thresholds' keys, as a search tree */
  const uint64_t *starts;   /* where each search tree starts */
  const uint8_t *steps;     /* how deep it is */
  const double *values;     /* outputs for each leaf */
  size_t trees, features, outputs;
  int depth;
};

struct linked_node { uint32_t key, number; int32_t left; uint32_t unused; }; /* number: of its place */

struct linked_forest {
  const struct linked_node *nodes; /* left < 0: the leaf ~left */
  const uint64_t *roots;
  const uint32_t *places; /* plane * features + feature, of those that some node compares */
  const double *values;
  size_t trees, features, num_places, outputs;
};

/* An unsigned integer in the order of the numbers. */
static inline uint32_t key_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static inline int is_missing(float x) { return x != x; }

static inline int is_infinite(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7fffffffu) == 0x7f800000u;
}

/* The child's place: 2 * at, and one more where the number exceeds the threshold. Compilers make
   three instructions of what the carry flag does in one. */
#if defined(__x86_64__) && defined(__GNUC__)
#define CHILD(at, threshold, number) \
  __asm__("cmp %2, %1\n\tadc %0, %0" : "+r"(at) : "r"(threshold), "m"(number) : "cc")
#define CHILD_OF_KEY(at, threshold, key) \
  __asm__("cmp %2, %1\n\tadc %0, %0" : "+r"(at) : "m"(threshold), "r"(key) : "cc")
#else
#define CHILD(at, threshold, number) (at) = 2 * (at) + ((threshold) < (number))
#define CHILD_OF_KEY CHILD
#endif

static int any_infinite(const float *x, size_t n) {
  int found = 0;
  for (size_t i = 0; i < n; i++) found |= is_infinite(x[i]);
  return found;
}

static inline void add_leaf(double *sums, const double *values, uint32_t leaf, size_t outputs) {
  const double *of_leaf = values + (size_t)leaf * outputs;
  for (size_t k = 0; k < outputs; k++) sums[k] += of_leaf[k];
}

/* Ranks of one feature for RANKED rows: how many of its thresholds each number exceeds. The numbers
   are `stride` apart, their ranks `apart`. */
static inline void rank_some(
    const uint32_t *search, int steps, const float *x, size_t stride, size_t apart, uint16_t *low,
    uint16_t *high
) {
  uint32_t key[RANKED];
  size_t at[RANKED];
  for (int l = 0; l < RANKED; l++) {
    key[l] = key_of(x[(size_t)l * stride]);
    at[l] = 1;
  }
  for (int s = 0; s < steps; s++)
    for (int l = 0; l < RANKED; l++) CHILD_OF_KEY(at[l], search[at[l]], key[l]);
  for (int l = 0; l < RANKED; l++) {
    const uint16_t rank = (uint16_t)(at[l] - ((size_t)1 << steps));
    const int missing = is_missing(x[(size_t)l * stride]);
    low[l * apart] = missing ? 0 : rank;
    high[l * apart] = missing ? ABOVE_ALL : rank;
  }
}

static inline void rank_one(
    const uint32_t *search, int steps, float x, uint16_t *low, uint16_t *high
) {
  const uint32_t key = key_of(x);
  size_t at = 1;
  for (int s = 0; s < steps; s++) CHILD_OF_KEY(at, search[at], key);
  const uint16_t rank = (uint16_t)(at - ((size_t)1 << steps));
  *low = is_missing(x) ? 0 : rank;
  *high = is_missing(x) ? ABOVE_ALL : rank;
}

/* ranks[plane * features + feature][row], for at most BLOCK rows. */
static void rank_block(const struct heap_forest *f, const float *x, size_t rows, uint16_t *ranks) {
  const size_t n = f->features;
  for (size_t j = 0; j < n; j++) {
    const uint32_t *search = f->searches + f->starts[j];
    uint16_t *low = ranks + j * BLOCK, *high = low + n * BLOCK;
    size_t r = 0;
    for (; r + RANKED <= rows; r += RANKED)
      rank_some(search, f->steps[j], x + r * n + j, n, 1, low + r, high + r);
    for (; r < rows; r++) rank_one(search, f->steps[j], x[r * n + j], low + r, high + r);
  }
}

/* LANES rows down one tree. */
static inline void walk_rows(
    const uint32_t *tree, int depth, const uint16_t *ranks, uint32_t *leaves
) {
  size_t at[LANES];
  for (int l = 0; l < LANES; l++) at[l] = 1;
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < LANES; l++) {
      const uint32_t node = tree[at[l]];
      const uint16_t *number = ranks + l + (size_t)(node >> 16);
      CHILD(at[l], (uint16_t)node, *number);
    }
  for (int l = 0; l < LANES; l++) leaves[l] = tree[at[l]];
}

/* One row down LANES trees; those beyond the last are the last once more. */
static inline void walk_trees(
    const uint32_t *const trees[LANES], int depth, const uint16_t *ranks, uint32_t *leaves
) {
  size_t at[LANES];
  for (int l = 0; l < LANES; l++) at[l] = 1;
  for (int d = 0; d < depth; d++)
    for (int l = 0; l < LANES; l++) {
      const uint32_t node = trees[l][at[l]];
      CHILD(at[l], (uint16_t)node, ranks[node >> 16]);
    }
  for (int l = 0; l < LANES; l++) leaves[l] = trees[l][at[l]];
}

static void heap_row(const struct heap_forest *f, const uint16_t *ranks, double *sums) {
  const size_t size = (size_t)2 << f->depth;
  uint32_t leaves[LANES];
  for (size_t t = 0; t < f->trees; t += LANES) {
    const uint32_t *trees[LANES];
    const size_t here = f->trees - t < LANES ? f->trees - t : LANES;
    for (size_t l = 0; l < LANES; l++) trees[l] = f->nodes + (t + (l < here ? l : here - 1)) * size;
    walk_trees(trees, f->depth, ranks, leaves);
    for (size_t l = 0; l < here; l++) add_leaf(sums, f->values, leaves[l], f->outputs);
  }
}

/* Add one tree's answers for the first `rows` of a block, in whole LANES. */
static inline void heap_block(
    const struct heap_forest *f, const uint32_t *tree, const uint16_t *ranks, size_t rows,
    double *sums
) {
  for (size_t r = 0; r < rows; r += LANES) {
    uint32_t leaves[LANES];
    walk_rows(tree, f->depth, ranks + r, leaves);
    if (f->outputs == 2)
      for (size_t l = 0; l < LANES; l++) add_leaf(sums + 2 * (r + l), f->values, leaves[l], 2);
    else
      for (size_t l = 0; l < LANES; l++)
        add_leaf(sums + f->outputs * (r + l), f->values, leaves[l], f->outputs);
  }
}

/* Sum the leaves' values of all trees into sums[row][output], at most CHUNK rows. */
static int heap_chunk(
    const struct heap_forest *f, const float *x, size_t rows, uint16_t *ranks, double *sums
) {
  const size_t block = 2 * f->features * BLOCK, size = (size_t)2 << f->depth;
  const size_t whole = rows / LANES * LANES;
  const int infinite = any_infinite(x, rows * f->features);
  for (size_t r = 0; r < rows; r += BLOCK)
    rank_block(
        f, x + r * f->features, rows - r < BLOCK ? rows - r : BLOCK, ranks + r / BLOCK * block
    );
  memset(sums, 0, rows * f->outputs * sizeof *sums);
  for (size_t t = 0; t < f->trees && whole; t++)
    for (size_t r = 0; r < whole; r += BLOCK)
      heap_block(
          f, f->nodes + t * size, ranks + r / BLOCK * block, whole - r < BLOCK ? whole - r : BLOCK,
          sums + r * f->outputs
      );
  for (size_t r = whole; r < rows; r++)
    heap_row(f, ranks + r / BLOCK * block + r % BLOCK, sums + r * f->outputs);
  return infinite;
}

#define TREES 16    /* that one register walks at once */
#define TOP 4       /* levels whose nodes are loaded and selected, not gathered */
#define TOP_NODES 15
#define PLANE 32    /* features at most, as many as a register has ranks */
#define TOGETHER 4  /* rows walked at once */
#define LOOK 4      /* levels after which a deep walk looks whether all have arrived */
#define SHALLOW 12  /* levels that are walked without a look */

/* A forest for AVX-512. A lane of a register is a tree, and all of a row's ranks stand in one more
   register, so that a step gathers nodes but no numbers. A node is one word: rank, feature with
   its plane, and the left child's place in its tree; the right one follows. A leaf is its own left
   child and sends nothing to the right. */
struct wide_forest {
  const uint32_t *top;      /* [group][TOP_NODES][TREES] */
  const uint32_t *nodes;    /* all trees, one after another */
  const uint32_t *starts;   /* [group][TREES]: where each tree begins */
  const uint32_t *searches; /* as in heap_forest */
  const uint64_t *search_starts;
  const uint8_t *steps;
  const double *values; /* outputs for each node */
  size_t trees, features, outputs;
  int depth, child_bits;
};

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw")))
#define WIDE_INLINE static inline __attribute__((always_inline)) WIDE

/* A gather merges into its register, and so waits for what was last done with it. The zeros are
   hidden from the compiler, which would leave them out as all lanes are overwritten. */
WIDE_INLINE __m512i gather(const uint32_t *words, __m512i at) {
  __m512i zeros = _mm512_setzero_si512();
  __mmask16 all = 0xffff;
  __asm__("" : "+v"(zeros), "+Yk"(all));
  return _mm512_mask_i32gather_epi32(zeros, all, at, words, 4);
}

WIDE_INLINE int any(__m512i bits) {
  const __m256i low = _mm512_castsi512_si256(bits), high = _mm512_extracti64x4_epi64(bits, 1);
  const __m256i both = _mm256_or_si256(low, high);
  return !_mm256_testz_si256(both, both);
}

/* In each lane 1 where the row goes right in that tree, and 0 elsewhere. Both numbers have sixteen
   bits, so that their difference has the sign of the comparison; a comparison into a mask would
   stall the gathers. */
WIDE_INLINE __m512i goes_right(__m512i node, __m512i low, __m512i high, int child_bits) {
  const __m512i place = _mm512_srlv_epi32(node, _mm512_set1_epi32(child_bits));
  const __m512i rank = _mm512_srlv_epi32(node, _mm512_set1_epi32(child_bits + 6));
  const __m512i two = _mm512_permutex2var_epi16(low, place, high);
  const __m512i number = _mm512_and_si512(two, _mm512_set1_epi32(0xffff));
  return _mm512_srli_epi32(_mm512_sub_epi32(rank, number), 31);
}

/* A row down the first TOP levels of a group of trees: where it goes on. */
WIDE_INLINE __m512i walk_top(const struct wide_forest *f, size_t group, __m512i low, __m512i high) {
  const __m512i *t = (const __m512i *)(f->top + group * TOP_NODES * TREES);
  const __m512i start = _mm512_loadu_si512(f->starts + group * TREES);
  const __m512i child = _mm512_set1_epi32((1 << f->child_bits) - 1), one = _mm512_set1_epi32(1);
#define NODE(i) _mm512_loadu_si512(t + i)
#define RIGHT(node) goes_right(node, low, high, f->child_bits)
#define MASK(node) _mm512_test_epi32_mask(RIGHT(node), one)
#define EITHER(k, a, b) _mm512_mask_blend_epi32(k, a, b)
  const __mmask16 a = MASK(NODE(0));
  const __mmask16 b = MASK(EITHER(a, NODE(1), NODE(2)));
  const __mmask16 c = MASK(
      EITHER(a, EITHER(b, NODE(3), NODE(4)), EITHER(b, NODE(5), NODE(6)))
  );
  const __m512i node = EITHER(
      a, EITHER(b, EITHER(c, NODE(7), NODE(8)), EITHER(c, NODE(9), NODE(10))),
      EITHER(b, EITHER(c, NODE(11), NODE(12)), EITHER(c, NODE(13), NODE(14)))
  );
  return _mm512_add_epi32(_mm512_add_epi32(_mm512_and_si512(node, child), start), RIGHT(node));
#undef NODE
#undef MASK
#undef EITHER
}

/* One level on: from these places to their children. */
WIDE_INLINE __m512i step(
    const struct wide_forest *f, __m512i at, __m512i start, __m512i low, __m512i high
) {
  const __m512i node = gather(f->nodes, at), right = goes_right(node, low, high, f->child_bits);
  const __m512i child = _mm512_and_si512(node, _mm512_set1_epi32((1 << f->child_bits) - 1));
  return _mm512_add_epi32(_mm512_add_epi32(child, start), right);
}

/* `count` rows on from the places at[row], down to the leaves. Deep trees seldom are so deep
   everywhere: below SHALLOW levels the walk ends when no lane has moved. */
WIDE_INLINE void walk_on(
    const struct wide_forest *f, size_t group, const uint16_t *ranks, int count, uint32_t *at
) {
  const __m512i start = _mm512_loadu_si512(f->starts + group * TREES);
  __m512i low[TOGETHER], high[TOGETHER], next[TOGETHER];
  for (int r = 0; r < count; r++) {
    low[r] = _mm512_loadu_si512(ranks + 2 * PLANE * r);
    high[r] = _mm512_loadu_si512(ranks + 2 * PLANE * r + PLANE);
    next[r] = _mm512_loadu_si512(at + TREES * r);
  }
  for (int d = TOP; d < f->depth && d < SHALLOW; d++)
    for (int r = 0; r < count; r++)
      next[r] = step(f, next[r], start, low[r], high[r]);
  for (int d = SHALLOW, moving = 1; d < f->depth && moving; d++) {
    __m512i moved = _mm512_setzero_si512();
    for (int r = 0; r < count; r++) {
      const __m512i from = next[r];
      next[r] = step(f, from, start, low[r], high[r]);
      moved = _mm512_or_si512(moved, _mm512_xor_si512(next[r], from));
    }
    moving = d % LOOK || any(moved);
  }
  for (int r = 0; r < count; r++) _mm512_storeu_si512(at + TREES * r, next[r]);
}
#undef RIGHT

/* Add two outputs, those of LANES rows being kept in registers from tree to tree. */
WIDE_INLINE void add_pairs(
    const double *values, const uint32_t *at, size_t rows, size_t trees, double *sums
) {
  size_t r = 0;
  for (; r + LANES <= rows; r += LANES) {
    __m128d sum[LANES];
    for (int l = 0; l < LANES; l++) sum[l] = _mm_loadu_pd(sums + 2 * (r + l));
    for (size_t t = 0; t < trees; t++)
      for (int l = 0; l < LANES; l++)
        sum[l] = _mm_add_pd(sum[l], _mm_loadu_pd(values + 2 * (size_t)at[(r + l) * TREES + t]));
    for (int l = 0; l < LANES; l++) _mm_storeu_pd(sums + 2 * (r + l), sum[l]);
  }
  for (; r < rows; r++)
    for (size_t t = 0; t < trees; t++) add_leaf(sums + 2 * r, values, at[r * TREES + t], 2);
}

/* Add the answers of a group of trees for at most BLOCK rows, one phase after another: the masks of
   the first would stall the gathers of the second. */
WIDE static void wide_block(
    const struct wide_forest *f, size_t group, const uint16_t *ranks, size_t rows, double *sums
) {
  uint32_t at[BLOCK * TREES];
  const size_t here = f->trees - group * TREES < TREES ? f->trees - group * TREES : TREES;
  const size_t row = 2 * PLANE, k = f->outputs;
  size_t r;
  for (r = 0; r < rows; r++) {
    const __m512i low = _mm512_loadu_si512(ranks + r * row);
    const __m512i high = _mm512_loadu_si512(ranks + r * row + PLANE);
    _mm512_storeu_si512(at + r * TREES, walk_top(f, group, low, high));
  }
  for (r = 0; r + TOGETHER <= rows; r += TOGETHER)
    walk_on(f, group, ranks + r * row, TOGETHER, at + r * TREES);
  for (; r < rows; r++) walk_on(f, group, ranks + r * row, 1, at + r * TREES);
  if (k == 2)
    add_pairs(f->values, at, rows, here, sums);
  else
    for (size_t t = 0; t < here; t++)
      for (r = 0; r < rows; r++) add_leaf(sums + k * r, f->values, at[r * TREES + t], k);
}

/* ranks[row][plane][feature]; what is left of a plane is never asked for. */
static void rank_rows(const struct wide_forest *f, const float *x, size_t rows, uint16_t *ranks) {
  const size_t n = f->features, row = 2 * PLANE;
  for (size_t r = 0; r < rows; r += r + RANKED <= rows ? RANKED : 1)
    for (size_t j = 0; j < n; j++) {
      const uint32_t *search = f->searches + f->search_starts[j];
      uint16_t *low = ranks + r * row + j, *high = low + PLANE;
      if (r + RANKED <= rows)
        rank_some(search, f->steps[j], x + r * n + j, n, row, low, high);
      else
        rank_one(search, f->steps[j], x[r * n + j], low, high);
    }
}

WIDE static int wide_chunk(
    const struct wide_forest *f, const float *x, size_t rows, uint16_t *ranks, double *sums
) {
  const int infinite = any_infinite(x, rows * f->features);
  rank_rows(f, x, rows, ranks);
  memset(sums, 0, rows * f->outputs * sizeof *sums);
  for (size_t g = 0; g * TREES < f->trees; g++)
    for (size_t r = 0; r < rows; r += BLOCK)
      wide_block(
          f, g, ranks + 2 * PLANE * r, rows - r < BLOCK ? rows - r : BLOCK, sums + r * f->outputs
      );
  return infinite;
}

static int has_wide(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}
#else /* never called, as has_wide says no */
static int wide_chunk(
    const struct wide_forest *f, const float *x, size_t rows, uint16_t *ranks, double *sums
) {
  (void)f, (void)x, (void)rows, (void)ranks, (void)sums;
  return 0;
}
static int has_wide(void) { return 0; }
#endif

/* keys[number of the place][row] of so many rows, sixteen at a time: they fill a line of the cache. */
static void key_chunk(const struct linked_forest *f, const float *x, size_t rows, uint32_t *keys) {
  for (size_t first = 0; first < rows; first += 16) {
    const size_t last = rows < first + 16 ? rows : first + 16;
    for (size_t j = 0; j < f->num_places; j++) {
      const size_t high = f->places[j] >= f->features, feature = f->places[j] - high * f->features;
      for (size_t r = first; r < last; r++) {
        const float value = x[r * f->features + feature];
        keys[j * rows + r] = is_missing(value) ? (high ? UINT32_MAX : 0) : key_of(value);
      }
    }
  }
}

/* All rows take a step of one tree, then those that are not at a leaf yet take the next. */
static void walk_linked(
    const struct linked_node *nodes, uint32_t root, const uint32_t *keys, size_t rows, int32_t *leaves
) {
  uint32_t row[CHUNK], at[CHUNK];
  for (size_t r = 0; r < rows; r++) {
    row[r] = (uint32_t)r;
    at[r] = root;
  }
  for (size_t walking = rows; walking;) {
    size_t left = 0;
    for (size_t w = 0; w < walking; w++) {
      const struct linked_node *node = nodes + at[w];
      const uint32_t r = row[w];
      leaves[r] = node->left;
      row[left] = r;
      at[left] = (uint32_t)node->left + (node->key < keys[(size_t)node->number * rows + r]);
      left += node->left >= 0;
    }
    walking = left;
  }
}

static int linked_chunk(
    const struct linked_forest *f, const float *x, size_t rows, uint32_t *keys, double *sums
) {
  int32_t leaves[CHUNK];
  const int infinite = any_infinite(x, rows * f->features);
  key_chunk(f, x, rows, keys);
  memset(sums, 0, rows * f->outputs * sizeof *sums);
  for (size_t t = 0; t < f->trees; t++) {
    walk_linked(f->nodes, (uint32_t)f->roots[t], keys, rows, leaves);
    for (size_t r = 0; r < rows; r++)
      add_leaf(sums + r * f->outputs, f->values, (uint32_t)~leaves[r], f->outputs);
  }
  return infinite;
}

static void divide(double *sums, size_t n, size_t trees) {
  for (size_t i = 0; i < n; i++) sums[i] /= (double)trees;
}
