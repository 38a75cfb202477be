/* The kernels that work on eight lanes at once, compiled for several sets of instructions.

   lanes_kernels.h is included once for each: the operations of eight lanes come from lanes_avx512.h,
   lanes_avx2.h or lanes_plain.h. All fuse the same multiplications and additions (but the plain
   ones on a processor without such an instruction), so that they give the same bits. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 512 /* numbers that wait in the first cache to be written past it */

#define ROUNDS 10

struct key { uint32_t low, high; };

/* The keys of Philox's rounds: a Weyl sequence each. */
struct rounds { uint64_t low[ROUNDS], high[ROUNDS]; };

static inline struct rounds rounds_of(struct key key) {
  struct rounds r;
  for (uint32_t i = 0; i < ROUNDS; i++) {
    r.low[i] = (uint32_t)(key.low + i * 0x9E3779B9u);
    r.high[i] = (uint32_t)(key.high + i * 0xBB67AE85u);
  }
  return r;
}

struct kernels {
  void (*ou_update)(const double *, double *, size_t, double, double, double, int);
  void (*ou_columns)(const double *, double *, size_t, double, double, double);
  void (*ou_fused)(struct key, uint64_t, uint64_t, double *, size_t, double, double, double, int);
  void (*normal_fill)(struct key, uint64_t, uint64_t, double *, size_t);
  void (*philox_words)(struct key, uint64_t, uint64_t, uint64_t *, uint64_t *);
};

#define JOIN(a, b) a##_##b
#define EXPAND(a, b) JOIN(a, b)
#define NAME(op) EXPAND(op, LANES)

#include "lanes_plain.h"
#include "lanes_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include "lanes_avx2.h"
#include "lanes_kernels.h"

#include "lanes_avx512.h"
#include "lanes_kernels.h"
#endif

/* The kernels for a set of instructions; NULL where this processor or compiler lacks it. */
static const struct kernels *kernels_for(const char *instructions) {
  if (strcmp(instructions, "plain") == 0) return &kernels_plain;
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (strcmp(instructions, "avx2") == 0)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels_avx2 : NULL;
  if (strcmp(instructions, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
               ? &kernels_avx512
               : NULL;
#endif
  return NULL;
}
