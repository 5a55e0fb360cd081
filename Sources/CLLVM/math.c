#include "CLLVM.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

void *mars_math_table[MARS_MATH_FIRST_SLEEF + 3 * MARS_SLEEF_COUNT] = {
    [MARS_MATH_REM_PIO2] = (void *)(uintptr_t)mars_rem_pio2,
    [MARS_MATH_FMOD] = (void *)(uintptr_t)(double (*)(double, double))fmod,
};

/* "finz" are SLEEF's deterministic variants with FMA: the same bits for one lane, AVX2 and AVX-512. */
static const char *const names[MARS_SLEEF_COUNT] = {"tan", "asin", "acos", "atan", "cbrt", "pow", "atan2"};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int loaded;
static char text[160];

const char *mars_sleef_load(void) {
  const char *failure = NULL;
  pthread_mutex_lock(&lock);
  if (!loaded) {
    void *handle = dlopen("libsleef.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      failure = "the vector math library libsleef.so.3 (Debian package libsleef3) cannot be loaded";
    } else {
      for (int i = 0; i < MARS_SLEEF_COUNT && !failure; i++) {
        static const char *const widths[] = {"d1_u10purecfma", "d4_u10avx2", "d8_u10avx512f"};
        for (int w = 0; w < 3; w++) {
          char name[64];
          snprintf(name, sizeof name, "Sleef_finz_%s%s", names[i], widths[w]);
          void *f = dlsym(handle, name);
          if (!f) {
            snprintf(text, sizeof text, "libsleef.so.3 lacks %s", name);
            failure = text;
          }
          mars_math_table[MARS_MATH_FIRST_SLEEF + 3 * i + w] = f;
        }
      }
      loaded = failure == NULL;
    }
  }
  pthread_mutex_unlock(&lock);
  return failure;
}

/* Bits of 2/pi behind the binary point, with one word of zeros in front so that a window may start before the point. */
static const uint64_t two_over_pi[] = {
    0, 0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u, 0xb7246e3a424dd2e0u, 0x06492eea09d1921cu,
    0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u, 0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu,
    0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u, 0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u,
    0x56033046fc7b6babu, 0xf0cfbc209af4361du};

/* Payne and Hanek's reduction: only the bits of 2/pi whose products are neither multiples of 4 nor too small are multiplied. */
int64_t mars_rem_pio2(double x, double out[2]) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  int biased = (int)(bits >> 52 & 0x7ff);
  if (biased == 0x7ff || biased < 1023 + 20) {
    out[0] = x - x;
    out[1] = 0;
    return 0;
  }
  uint64_t m = (bits & 0xfffffffffffffu) | 0x10000000000000u;
  int start = biased - 1075 - 2 + 64; /* x = m * 2^(biased-1075); bits of weight 4 and more after the product are dropped */
  const uint64_t *w = two_over_pi + start / 64;
  int shift = start % 64;
  uint64_t f[3];
  for (int i = 0; i < 3; i++) f[i] = shift ? w[i] << shift | w[i + 1] >> (64 - shift) : w[i];
  /* (m * f) modulo 1, f a 192-bit fraction. */
  unsigned __int128 p2 = (unsigned __int128)m * f[2], p1 = (unsigned __int128)m * f[1];
  uint64_t lo = (uint64_t)p2;
  unsigned __int128 mid = (p2 >> 64) + (uint64_t)p1;
  uint64_t r1 = (uint64_t)mid;
  uint64_t r2 = m * f[0] + (uint64_t)(p1 >> 64) + (uint64_t)(mid >> 64);
  int64_t quadrant = (int64_t)(r2 >> 62);
  unsigned __int128 frac = ((unsigned __int128)(r2 << 2 | r1 >> 62) << 64) | (r1 << 2 | lo >> 62);
  int negative = (int)(frac >> 127);
  if (negative) {
    frac = -frac;
    quadrant += 1;
  }
  double hi = 0, rest = 0;
  if (frac) {
    uint64_t top = (uint64_t)(frac >> 64);
    int zeros = top ? __builtin_clzll(top) : 64 + __builtin_clzll((uint64_t)frac);
    unsigned __int128 n = frac << zeros;
    uint64_t a = (uint64_t)(n >> 75), b = (uint64_t)(n >> 22) & 0x1fffffffffffffu; /* 53 bits each */
    hi = ldexp((double)a, -53 - zeros);
    rest = ldexp((double)b, -106 - zeros);
  }
  /* (hi + rest) * pi/2 */
  const double p0 = 0x1.921fb54442d18p+0, pl = 0x1.1a62633145c07p-54;
  double h = hi * p0;
  double l = fma(hi, p0, -h) + (hi * pl + rest * p0);
  double s = h + l;
  double t = (h - s) + l;
  int flip = negative != (int)(bits >> 63);
  out[0] = flip ? -s : s;
  out[1] = flip ? -t : t;
  if (bits >> 63) quadrant = -quadrant;
  return quadrant & 3;
}
