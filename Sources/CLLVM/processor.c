#include "CLLVM.h"

#if defined(__x86_64__)
#include <cpuid.h>

int mars_processor(uint32_t words[12]) {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  uint32_t w[12] = {0};
  __get_cpuid(1, &a, &b, &c, &d);
  w[0] = a;
  w[1] = c; /* b holds the number of the core */
  w[2] = d;
  int xsave = c >> 27 & 1;
  if (xsave) {
    uint32_t lo, hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    w[3] = lo;
  }
  uint32_t b7 = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    uint32_t subleaves = a;
    b7 = w[4] = b;
    w[5] = c;
    w[6] = d;
    if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
      w[7] = a;
      w[8] = d;
    }
  }
  if (__get_cpuid(0x80000001u, &a, &b, &c, &d)) {
    w[9] = c;
    w[10] = d;
  }
  __get_cpuid(0, &a, &b, &c, &d);
  w[11] = b ^ c ^ d; /* the vendor */
  for (int i = 0; i < 12; i++) words[i] = w[i];
  int fma = w[1] >> 12 & 1, f16c = w[1] >> 29 & 1, avx = w[1] >> 28 & 1, avx2 = b7 >> 5 & 1;
  if (!xsave || (w[3] & 6) != 6 || !fma || !f16c || !avx || !avx2) return 0;
  int avx512 = (b7 >> 16 & 1) & (b7 >> 17 & 1) & (b7 >> 30 & 1) & (b7 >> 31 & 1);
  return avx512 && (w[3] & 0xe6) == 0xe6 ? 8 : 4;
}
#else
int mars_processor(uint32_t words[12]) {
  for (int i = 0; i < 12; i++) words[i] = 0;
  return 0;
}
#endif
