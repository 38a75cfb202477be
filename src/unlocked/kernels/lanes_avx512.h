/* AVX-512: eight numbers of 64 bits in a register. */

#include <immintrin.h>

#define LANES avx512
#define WIDTH 8
#define TARGET __attribute__((target("avx512f,avx512dq,fma")))
#define OP static inline __attribute__((always_inline)) TARGET
#define VD __m512d
#define VU __m512i
#define V8 __m512d

/* Number by number. */
OP VD NAME(load)(const double *p) { return _mm512_loadu_pd(p); }
OP void NAME(store)(double *p, VD a) { _mm512_storeu_pd(p, a); }
OP VD NAME(all)(double a) { return _mm512_set1_pd(a); }
OP VD NAME(add)(VD a, VD b) { return _mm512_add_pd(a, b); }
OP VD NAME(sub)(VD a, VD b) { return _mm512_sub_pd(a, b); }
OP VD NAME(mul)(VD a, VD b) { return _mm512_mul_pd(a, b); }
OP VD NAME(div)(VD a, VD b) { return _mm512_div_pd(a, b); }
OP VD NAME(sqrt)(VD a) { return _mm512_sqrt_pd(a); }
OP VD NAME(fma)(VD a, VD b, VD c) { return _mm512_fmadd_pd(a, b, c); }
OP VU NAME(uall)(uint64_t a) { return _mm512_set1_epi64((long long)a); }
OP VU NAME(ucount)(uint64_t first) {
  return _mm512_add_epi64(NAME(uall)(first), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
}
OP VU NAME(uadd)(VU a, VU b) { return _mm512_add_epi64(a, b); }
OP VU NAME(usub)(VU a, VU b) { return _mm512_sub_epi64(a, b); }
OP VU NAME(uand)(VU a, VU b) { return _mm512_and_si512(a, b); }
OP VU NAME(uor)(VU a, VU b) { return _mm512_or_si512(a, b); }
OP VU NAME(uxor3)(VU a, VU b, VU c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
OP VU NAME(ushl)(VU a, int n) { return _mm512_slli_epi64(a, (unsigned)n); }
OP VU NAME(ushr)(VU a, int n) { return _mm512_srli_epi64(a, (unsigned)n); }
OP VU NAME(umul)(VU a, VU b) { return _mm512_mul_epu32(a, b); } /* of the lower halves */
OP VD NAME(as_double)(VU a) { return _mm512_castsi512_pd(a); }
OP VU NAME(as_bits)(VD a) { return _mm512_castpd_si512(a); }
OP VD NAME(choose)(VD a, VD b, VU s) { /* b where the top bit of s is set */
  return _mm512_mask_blend_pd(_mm512_movepi64_mask(s), a, b);
}

/* Eight in a row. */
OP V8 NAME(load8)(const double *p) { return _mm512_loadu_pd(p); }
OP void NAME(store8)(double *p, V8 a) { _mm512_storeu_pd(p, a); }
OP void NAME(stream8)(double *p, V8 a) { _mm512_stream_pd(p, a); }
OP void NAME(fence)(void) { _mm_sfence(); }
OP V8 NAME(all8)(double a) { return _mm512_set1_pd(a); }
OP V8 NAME(mul8)(V8 a, V8 b) { return _mm512_mul_pd(a, b); }
OP V8 NAME(fma8)(V8 a, V8 b, V8 c) { return _mm512_fmadd_pd(a, b, c); }
OP V8 NAME(up1)(V8 a) { /* moved up by one, zero from below */
  return _mm512_maskz_permutexvar_pd(0xfe, _mm512_setr_epi64(0, 0, 1, 2, 3, 4, 5, 6), a);
}
OP V8 NAME(up2)(V8 a) {
  return _mm512_maskz_permutexvar_pd(0xfc, _mm512_setr_epi64(0, 0, 0, 1, 2, 3, 4, 5), a);
}
OP V8 NAME(up4)(V8 a) { return _mm512_maskz_shuffle_f64x2(0xf0, a, a, 0x44); }
OP V8 NAME(last)(V8 a) { return _mm512_permutexvar_pd(_mm512_set1_epi64(7), a); }
