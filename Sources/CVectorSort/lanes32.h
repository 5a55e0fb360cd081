/* A vector of sixteen 32-bit keys. */
typedef int32_t word;
typedef __mmask16 bits;
enum { LANES = 16 };
#define WIDTH(name) name##_32
#define LEAST INT32_MIN
#define MOST INT32_MAX

INLINE vec load(const word *p) { return _mm512_loadu_si512(p); }
INLINE void store(word *p, vec v) { _mm512_storeu_si512(p, v); }
INLINE vec load_first(const word *p, bits m, vec rest) { return _mm512_mask_loadu_epi32(rest, m, p); }
INLINE void store_first(word *p, bits m, vec v) { _mm512_mask_storeu_epi32(p, m, v); }
INLINE bits first(size_t n) { return (bits)_bzhi_u32(0xFFFF, (unsigned)n); }
INLINE vec all(word w) { return _mm512_set1_epi32(w); }
INLINE vec least(vec a, vec b) { return _mm512_min_epi32(a, b); }
INLINE vec most(vec a, vec b) { return _mm512_max_epi32(a, b); }
INLINE vec pick(bits m, vec a, vec b) { return _mm512_mask_blend_epi32(m, a, b); }
INLINE bits is_less(vec a, vec b) { return _mm512_cmplt_epi32_mask(a, b); }
INLINE bits is_not_more(vec a, vec b) { return _mm512_cmple_epi32_mask(a, b); }
INLINE bits is_same(vec a, vec b) { return _mm512_cmpeq_epi32_mask(a, b); }
INLINE bits is_nan(vec v) {
  __m512 f = _mm512_castsi512_ps(v);
  return _mm512_cmp_ps_mask(f, f, _CMP_UNORD_Q);
}
INLINE vec sign(vec v) { return _mm512_srai_epi32(v, 31); }
INLINE vec compress(bits m, vec v) { return _mm512_maskz_compress_epi32(m, v); }
/* The lanes of b behind the last one of a. */
INLINE vec shifted(vec a, vec b) { return _mm512_alignr_epi32(b, a, LANES - 1); }
/* Lane i moves to lane i - n, and comes in again at the other end. */
INLINE vec turned(vec v, size_t n) {
  static const word turns[2 * LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return _mm512_permutexvar_epi32(load(turns + n), v);
}

/* Lane i moves to lane i ^ distance. */
INLINE vec crossed(vec v, int distance) {
  switch (distance) {
  case 1: return _mm512_shuffle_epi32(v, 0xB1);
  case 2: return _mm512_shuffle_epi32(v, 0x4E);
  case 3: return _mm512_shuffle_epi32(v, 0x1B);
  case 4: return _mm512_permutex_epi64(v, 0x4E);
  case 7: return _mm512_permutexvar_epi32(_mm512_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8), v);
  case 8: return _mm512_shuffle_i64x2(v, v, 0x4E);
  default: return _mm512_permutexvar_epi32(_mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), v);
  }
}
/* The lower, and the upper halves of two vectors, lane by lane. */
INLINE vec lower_halves(vec a, vec b) {
  return _mm512_permutex2var_epi32(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
}
INLINE vec upper_halves(vec a, vec b) {
  return _mm512_permutex2var_epi32(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
}
/* A key of every part of x: LANES parts, n < 2^23 keys. */
INLINE vec spread_over(const word *x, size_t n) {
  __m512i parts = _mm512_setr_epi32(9, 17, 46, 60, 67, 93, 98, 125, 130, 151, 165, 191, 195, 208, 233, 247);
  return _mm512_i32gather_epi32(_mm512_srli_epi32(_mm512_mullo_epi32(parts, _mm512_set1_epi32((int32_t)n)), 8), x, 4);
}
