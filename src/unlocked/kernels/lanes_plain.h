/* Plain C for any processor: one number at a time. */

#define LANES plain
#define WIDTH 1
#define TARGET
#define OP static inline __attribute__((always_inline))
#define VD double
#define VU uint64_t
#define V8 NAME(v8)

/* Number by number. */
OP VD NAME(load)(const double *p) { return *p; }
OP void NAME(store)(double *p, VD a) { *p = a; }
OP VD NAME(all)(double a) { return a; }
OP VD NAME(add)(VD a, VD b) { return a + b; }
OP VD NAME(sub)(VD a, VD b) { return a - b; }
OP VD NAME(mul)(VD a, VD b) { return a * b; }
OP VD NAME(div)(VD a, VD b) { return a / b; }
OP VD NAME(sqrt)(VD a) { return __builtin_sqrt(a); }
#if defined(__FMA__) || defined(__aarch64__)
OP VD NAME(fma)(VD a, VD b, VD c) { return __builtin_fma(a, b, c); }
#else /* a call of fma() would cost more than the last bit is worth */
OP VD NAME(fma)(VD a, VD b, VD c) { return a * b + c; }
#endif
OP VU NAME(uall)(uint64_t a) { return a; }
OP VU NAME(ucount)(uint64_t first) { return first; }
OP VU NAME(uadd)(VU a, VU b) { return a + b; }
OP VU NAME(usub)(VU a, VU b) { return a - b; }
OP VU NAME(uand)(VU a, VU b) { return a & b; }
OP VU NAME(uor)(VU a, VU b) { return a | b; }
OP VU NAME(uxor3)(VU a, VU b, VU c) { return a ^ b ^ c; }
OP VU NAME(ushl)(VU a, int n) { return a << n; }
OP VU NAME(ushr)(VU a, int n) { return a >> n; }
OP VU NAME(umul)(VU a, VU b) { return (uint64_t)(uint32_t)a * (uint32_t)b; }
OP VD NAME(as_double)(VU a) { VD r; memcpy(&r, &a, sizeof r); return r; }
OP VU NAME(as_bits)(VD a) { VU r; memcpy(&r, &a, sizeof r); return r; }
OP VD NAME(choose)(VD a, VD b, VU s) { /* without a branch that no one can predict */
  VU mask = (VU)0 - (s >> 63);
  return NAME(as_double)((NAME(as_bits)(b) & mask) | (NAME(as_bits)(a) & ~mask));
}

/* Eight in a row. */
typedef struct { double v[8]; } NAME(v8);

OP V8 NAME(load8)(const double *p) { V8 r; memcpy(&r, p, sizeof r); return r; }
OP void NAME(store8)(double *p, V8 a) { memcpy(p, &a, sizeof a); }
OP void NAME(stream8)(double *p, V8 a) { memcpy(p, &a, sizeof a); }
OP void NAME(fence)(void) {}
OP V8 NAME(all8)(double a) { return (V8){{a, a, a, a, a, a, a, a}}; }
OP V8 NAME(mul8)(V8 a, V8 b) { for (int i = 0; i < 8; i++) a.v[i] *= b.v[i]; return a; }
OP V8 NAME(fma8)(V8 a, V8 b, V8 c) {
  for (int i = 0; i < 8; i++) c.v[i] = NAME(fma)(a.v[i], b.v[i], c.v[i]);
  return c;
}
OP V8 NAME(up)(V8 a, int n) { /* moved up by n, zeros from below */
  V8 r;
  for (int i = 0; i < 8; i++) r.v[i] = i < n ? 0.0 : a.v[i - n];
  return r;
}
OP V8 NAME(up1)(V8 a) { return NAME(up)(a, 1); }
OP V8 NAME(up2)(V8 a) { return NAME(up)(a, 2); }
OP V8 NAME(up4)(V8 a) { return NAME(up)(a, 4); }
OP V8 NAME(last)(V8 a) { return NAME(all8)(a.v[7]); }
