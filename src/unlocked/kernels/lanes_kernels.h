/* The kernels, written once in terms of the operations of whichever header came before. */

#define ALL(x) NAME(all)(x)
#define MUL(a, b) NAME(mul)(a, b)
#define FMA(a, b, c) NAME(fma)(a, b, c)
#define UALL(x) NAME(uall)(x)

/* Philox4x32-10 (Salmon et al. 2011) for the eight counters (block, stream) from this block on:
   four words of 32 bits a counter, joined to two words of 64. The rounds of the counters take
   turns, so that one's multiplication runs while another's is waited for. */
OP void NAME(philox)(const struct rounds *keys, uint64_t stream, uint64_t block, double *first,
                     double *second) {
  enum { PARTS = 8 / WIDTH };
  VU c0[PARTS], c1[PARTS], c2[PARTS], c3[PARTS];
  for (size_t j = 0; j < PARTS; j++) {
    c0[j] = NAME(ucount)(block + j * WIDTH);
    c1[j] = NAME(ushr)(c0[j], 32);
    c2[j] = UALL(stream);
    c3[j] = UALL(stream >> 32);
  }
  for (int round = 0; round < ROUNDS; round++) {
    VU k0 = UALL(keys->low[round]), k1 = UALL(keys->high[round]);
    for (size_t j = 0; j < PARTS; j++) {
      VU p0 = NAME(umul)(c0[j], UALL(0xD2511F53u)), p1 = NAME(umul)(c2[j], UALL(0xCD9E8D57u));
      c0[j] = NAME(uxor3)(NAME(ushr)(p1, 32), c1[j], k0);
      c2[j] = NAME(uxor3)(NAME(ushr)(p0, 32), c3[j], k1);
      c1[j] = p1; /* what stands above the lower half is not read */
      c3[j] = p0;
    }
  }
  const VU low = UALL(0xffffffffu);
  for (size_t j = 0; j < PARTS; j++) {
    VU a = NAME(uor)(NAME(uand)(c0[j], low), NAME(ushl)(c1[j], 32));
    VU b = NAME(uor)(NAME(uand)(c2[j], low), NAME(ushl)(c3[j], 32));
    NAME(store)(first + j * WIDTH, NAME(as_double)(a));
    NAME(store)(second + j * WIDTH, NAME(as_double)(b));
  }
}

/* A double of [1, 2) from the upper 52 bits of a word. */
OP VD NAME(one_to_two)(VU word) {
  return NAME(as_double)(NAME(uor)(NAME(ushr)(word, 12), UALL(0x3ff0000000000000u)));
}

/* -2 ln(u) for 0 < u < 1, by the reduction and polynomial of FDLIBM's e_log.c. */
OP VD NAME(minus_two_log)(VD u) {
  VU bits = NAME(as_bits)(u);
  /* u = 2^k m with m in [sqrt(1/2), sqrt(2)); the shifted exponent stays positive. */
  VU shifted = NAME(ushr)(NAME(uadd)(bits, UALL(0x3ff0000000000000u - 0x3fe6a09e667f3bcdu)), 52);
  VU exponent = NAME(usub)(NAME(ushl)(shifted, 52), UALL(0x3ff0000000000000u));
  VD m = NAME(as_double)(NAME(usub)(bits, exponent));
  VD k = NAME(sub)(NAME(as_double)(NAME(uor)(shifted, UALL(0x4330000000000000u))),
                   ALL(0x1p52 + 1023.0));
  VD f = NAME(sub)(m, ALL(1.0));
  VD s = NAME(div)(f, NAME(add)(f, ALL(2.0)));
  VD z = MUL(s, s), half = MUL(ALL(0.5), MUL(f, f));
  VD p = ALL(1.479819860511658591e-01);
  p = FMA(p, z, ALL(1.531383769920937332e-01));
  p = FMA(p, z, ALL(1.818357216161805012e-01));
  p = FMA(p, z, ALL(2.222219843214978396e-01));
  p = FMA(p, z, ALL(2.857142874366239149e-01));
  p = FMA(p, z, ALL(3.999999999940941908e-01));
  p = FMA(p, z, ALL(6.666666666666735130e-01));
  VD small = FMA(k, ALL(1.90821492927058770002e-10), MUL(s, FMA(p, z, half)));
  VD log = FMA(k, ALL(6.93147180369123816490e-01), NAME(sub)(f, NAME(sub)(half, small)));
  return MUL(ALL(-2.0), log);
}

/* Sine and cosine of y in [-pi/4, pi/4], by the polynomials of FDLIBM's k_sin.c and k_cos.c. */
OP void NAME(sine_cosine)(VD y, VD *sine, VD *cosine) {
  VD z = MUL(y, y);
  VD p = ALL(1.58969099521155010221e-10);
  p = FMA(p, z, ALL(-2.50507602534068634195e-08));
  p = FMA(p, z, ALL(2.75573137070700676789e-06));
  p = FMA(p, z, ALL(-1.98412698298579493134e-04));
  p = FMA(p, z, ALL(8.33333333332248946124e-03));
  p = FMA(p, z, ALL(-1.66666666666666324348e-01));
  *sine = FMA(MUL(y, z), p, y);
  p = ALL(-1.13596475577881948265e-11);
  p = FMA(p, z, ALL(2.08757232129817482790e-09));
  p = FMA(p, z, ALL(-2.75573143513906633035e-07));
  p = FMA(p, z, ALL(2.48015872894767294178e-05));
  p = FMA(p, z, ALL(-1.38888888888741095749e-03));
  p = FMA(p, z, ALL(4.16666666666666019037e-02));
  *cosine = FMA(MUL(z, z), p, FMA(z, ALL(-0.5), ALL(1.0)));
}

/* n <= BLOCK normal numbers of a stream times `scale`, from this group of sixteen on, by Box and
   Muller's formula (1958): the two words of a counter make two numbers, eight places apart. What
   exceeds n in the last group is written too.

   The upper 52 bits of the first word make the radius. Those of the second make an angle within an
   eighth of a turn of the x axis; its two lowest bits choose which half of which axis.

   Three short loops, for a processor looks ahead over a few hundred instructions only: in one
   loop the long chain of a group would leave it little to do meanwhile. */
OP void NAME(normals)(const struct rounds *keys, uint64_t stream, uint64_t group, double scale,
                      double *block, size_t n) {
  for (size_t i = 0; i < n; i += 16, group++)
    NAME(philox)(keys, stream, group * 8, block + i, block + i + 8);
  for (size_t i = 0; i < n; i += 16)
    for (size_t j = 0; j < 8; j += WIDTH) {
      VU first = NAME(as_bits)(NAME(load)(block + i + j));
      VD u = NAME(sub)(NAME(one_to_two)(first), ALL(1.0 - 0x1p-53));
      VD radius = NAME(sqrt)(NAME(minus_two_log)(u));
      NAME(store)(block + i + j, MUL(ALL(scale), radius));
    }
  for (size_t i = 0; i < n; i += 16)
    for (size_t j = 0; j < 8; j += WIDTH) {
      VD radius = NAME(load)(block + i + j), sine, cosine;
      VU second = NAME(as_bits)(NAME(load)(block + i + j + 8));
      VD eighth = NAME(sub)(NAME(one_to_two)(second), ALL(1.5));
      NAME(sine_cosine)(MUL(eighth, ALL(1.57079632679489661923)), &sine, &cosine);
      VU sign = NAME(uand)(NAME(ushl)(second, 62), UALL(0x8000000000000000u));
      cosine = NAME(as_double)(NAME(uor)(NAME(as_bits)(cosine), sign)); /* it was positive */
      VU swap = NAME(ushl)(second, 63);
      NAME(store)(block + i + j, MUL(radius, NAME(choose)(cosine, sine, swap)));
      NAME(store)(block + i + j + 8, MUL(radius, NAME(choose)(sine, cosine, swap)));
    }
}

/* The recurrence x[i] = relax x[i-1] + y[i] over eight values of y, and on from x[-1].

   A scan (Hillis and Steele 1986): after the steps by 1, 2 and 4 each value holds the sum of all
   below it in the row with their powers of relax. What came before the row enters last, by one
   multiplication and addition, which is all that has to wait for it. */
struct NAME(recurrence) { V8 relax1, relax2, relax4, relax8, powers, x; };

OP struct NAME(recurrence) NAME(begin)(double relax, double x0) {
  double powers[8], power = relax;
  for (int i = 0; i < 8; i++, power *= relax) powers[i] = power;
  return (struct NAME(recurrence)){NAME(all8)(powers[0]), NAME(all8)(powers[1]),
                                   NAME(all8)(powers[3]), NAME(all8)(powers[7]),
                                   NAME(load8)(powers), NAME(all8)(x0)};
}

OP V8 NAME(advance)(struct NAME(recurrence) *r, V8 y) {
  y = NAME(fma8)(r->relax1, NAME(up1)(y), y);
  y = NAME(fma8)(r->relax2, NAME(up2)(y), y);
  y = NAME(fma8)(r->relax4, NAME(up4)(y), y);
  V8 path = NAME(fma8)(r->powers, r->x, y);
  r->x = NAME(fma8)(r->relax8, r->x, NAME(last)(y));
  return path;
}

/* Write a full block past the caches: whole lines by streaming stores, their ends as usual. */
OP void NAME(flush)(double *out, const double *block) {
  size_t head = (64 - ((size_t)out & 63)) / 8 % 8, i = head;
  memcpy(out, block, head * sizeof *out);
  for (; i + 8 <= BLOCK; i += 8) NAME(stream8)(out + i, NAME(load8)(block + i));
  memcpy(out + i, block + i, (BLOCK - i) * sizeof *out);
}

TARGET static void NAME(ou_update)(const double *noise, double *out, size_t n, double relax,
                                   double diffuse, double x0, int streaming) {
  struct NAME(recurrence) r = NAME(begin)(relax, x0);
  const V8 scale = NAME(all8)(diffuse);
  double block[BLOCK] __attribute__((aligned(64))), rest[8] = {0};
  size_t i = 0;
  *out++ = x0;
  for (; streaming && i + BLOCK <= n; i += BLOCK) {
    for (size_t j = 0; j < BLOCK; j += 8)
      NAME(store8)(block + j,
                   NAME(advance)(&r, NAME(mul8)(scale, NAME(load8)(noise + i + j))));
    NAME(flush)(out + i, block);
  }
  for (; i + 8 <= n; i += 8)
    NAME(store8)(out + i, NAME(advance)(&r, NAME(mul8)(scale, NAME(load8)(noise + i))));
  memcpy(rest, noise + i, (n - i) * sizeof *rest);
  NAME(store8)(rest, NAME(advance)(&r, NAME(mul8)(scale, NAME(load8)(rest))));
  memcpy(out + i, rest, (n - i) * sizeof *out);
  NAME(fence)();
}

/* Eight paths side by side, one a lane: out[i] and noise[i] are eight numbers each. */
TARGET static void NAME(ou_columns)(const double *noise, double *out, size_t n, double relax,
                                    double diffuse, double x0) {
  const V8 factor = NAME(all8)(relax), scale = NAME(all8)(diffuse);
  V8 x = NAME(all8)(x0);
  NAME(store8)(out, x);
  for (size_t i = 0; i < n; i++) {
    x = NAME(fma8)(factor, x, NAME(mul8)(scale, NAME(load8)(noise + 8 * i)));
    NAME(store8)(out + 8 * (i + 1), x);
  }
}

TARGET static void NAME(ou_fused)(struct key key, uint64_t stream, uint64_t group, double *out,
                                  size_t n, double relax, double diffuse, double x0,
                                  int streaming) {
  struct NAME(recurrence) r = NAME(begin)(relax, x0);
  const struct rounds keys = rounds_of(key);
  double block[BLOCK] __attribute__((aligned(64)));
  *out++ = x0;
  for (size_t i = 0; i < n; i += BLOCK, group += BLOCK / 16) {
    size_t count = n - i < BLOCK ? n - i : BLOCK;
    NAME(normals)(&keys, stream, group, diffuse, block, count);
    for (size_t j = 0; j < count; j += 8)
      NAME(store8)(block + j, NAME(advance)(&r, NAME(load8)(block + j)));
    if (streaming && count == BLOCK)
      NAME(flush)(out + i, block);
    else
      memcpy(out + i, block, count * sizeof *out);
  }
  NAME(fence)();
}

TARGET static void NAME(normal_fill)(struct key key, uint64_t stream, uint64_t first, double *out,
                                     size_t n) {
  const struct rounds keys = rounds_of(key);
  double block[BLOCK] __attribute__((aligned(64)));
  for (size_t i = 0, take; i < n; i += take) {
    size_t skip = (size_t)((first + i) % 16);
    take = BLOCK - skip < n - i ? BLOCK - skip : n - i;
    NAME(normals)(&keys, stream, (first + i) / 16, 1.0, block, skip + take);
    memcpy(out + i, block + skip, take * sizeof *out);
  }
}

TARGET static void NAME(philox_words)(struct key key, uint64_t stream, uint64_t block,
                                      uint64_t *first, uint64_t *second) {
  const struct rounds keys = rounds_of(key);
  double words[16];
  NAME(philox)(&keys, stream, block, words, words + 8);
  memcpy(first, words, 8 * sizeof *first);
  memcpy(second, words + 8, 8 * sizeof *second);
}

static const struct kernels NAME(kernels) = {NAME(ou_update), NAME(ou_columns), NAME(ou_fused),
                                             NAME(normal_fill), NAME(philox_words)};

#undef ALL
#undef MUL
#undef FMA
#undef UALL
#undef VD
#undef VU
#undef V8
#undef OP
#undef TARGET
#undef WIDTH
#undef LANES
