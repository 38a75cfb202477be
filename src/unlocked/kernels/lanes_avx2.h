/* AVX2: four numbers of 64 bits in a register. */

#include <immintrin.h>

#define LANES avx2
#define WIDTH 4
#define TARGET __attribute__((target("avx2,fma")))
#define OP static inline __attribute__((always_inline)) TARGET
#define VD __m256d
#define VU __m256i
#define V8 NAME(v8)

/* Number by number. */
OP VD NAME(load)(const double *p) { return _mm256_loadu_pd(p); }
OP void NAME(store)(double *p, VD a) { _mm256_storeu_pd(p, a); }
OP VD NAME(all)(double a) { return _mm256_set1_pd(a); }
OP VD NAME(add)(VD a, VD b) { return _mm256_add_pd(a, b); }
OP VD NAME(sub)(VD a, VD b) { return _mm256_sub_pd(a, b); }
OP VD NAME(mul)(VD a, VD b) { return _mm256_mul_pd(a, b); }
OP VD NAME(div)(VD a, VD b) { return _mm256_div_pd(a, b); }
OP VD NAME(sqrt)(VD a) { return _mm256_sqrt_pd(a); }
OP VD NAME(fma)(VD a, VD b, VD c) { return _mm256_fmadd_pd(a, b, c); }
OP VU NAME(uall)(uint64_t a) { return _mm256_set1_epi64x((long long)a); }
OP VU NAME(ucount)(uint64_t first) {
  return _mm256_add_epi64(NAME(uall)(first), _mm256_setr_epi64x(0, 1, 2, 3));
}
OP VU NAME(uadd)(VU a, VU b) { return _mm256_add_epi64(a, b); }
OP VU NAME(usub)(VU a, VU b) { return _mm256_sub_epi64(a, b); }
OP VU NAME(uand)(VU a, VU b) { return _mm256_and_si256(a, b); }
OP VU NAME(uor)(VU a, VU b) { return _mm256_or_si256(a, b); }
OP VU NAME(uxor3)(VU a, VU b, VU c) { return _mm256_xor_si256(a, _mm256_xor_si256(b, c)); }
OP VU NAME(ushl)(VU a, int n) { return _mm256_slli_epi64(a, n); }
OP VU NAME(ushr)(VU a, int n) { return _mm256_srli_epi64(a, n); }
OP VU NAME(umul)(VU a, VU b) { return _mm256_mul_epu32(a, b); } /* of the lower halves */
OP VD NAME(as_double)(VU a) { return _mm256_castsi256_pd(a); }
OP VU NAME(as_bits)(VD a) { return _mm256_castpd_si256(a); }
OP VD NAME(choose)(VD a, VD b, VU s) { /* b where the top bit of s is set */
  return _mm256_blendv_pd(a, b, _mm256_castsi256_pd(s));
}

/* Eight in a row, in two registers. */
typedef struct { __m256d a, b; } NAME(v8);

OP V8 NAME(load8)(const double *p) { return (V8){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
OP void NAME(store8)(double *p, V8 x) {
  _mm256_storeu_pd(p, x.a);
  _mm256_storeu_pd(p + 4, x.b);
}
OP void NAME(stream8)(double *p, V8 x) {
  _mm256_stream_pd(p, x.a);
  _mm256_stream_pd(p + 4, x.b);
}
OP void NAME(fence)(void) { _mm_sfence(); }
OP V8 NAME(all8)(double x) { return (V8){_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
OP V8 NAME(mul8)(V8 x, V8 y) { return (V8){NAME(mul)(x.a, y.a), NAME(mul)(x.b, y.b)}; }
OP V8 NAME(fma8)(V8 x, V8 y, V8 z) {
  return (V8){NAME(fma)(x.a, y.a, z.a), NAME(fma)(x.b, y.b, z.b)};
}
OP V8 NAME(up2)(V8 x) { /* moved up by two, zeros from below */
  return (V8){_mm256_permute2f128_pd(x.a, x.a, 0x08), _mm256_permute2f128_pd(x.a, x.b, 0x21)};
}
OP V8 NAME(up1)(V8 x) {
  V8 two = NAME(up2)(x);
  return (V8){_mm256_shuffle_pd(two.a, x.a, 0x5), _mm256_shuffle_pd(two.b, x.b, 0x5)};
}
OP V8 NAME(up4)(V8 x) { return (V8){_mm256_setzero_pd(), x.a}; }
OP V8 NAME(last)(V8 x) {
  __m256d last = _mm256_permute4x64_pd(x.b, 0xff);
  return (V8){last, last};
}
