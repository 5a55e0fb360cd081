/* Functions that follow are compiled for AVX-512, whatever the rest of the library is compiled for. */
#include <immintrin.h>
#include <string.h>

#include "CVectorSort.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2,popcnt,lzcnt"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef __m512i vec;
