/* A vector of eight 64-bit keys. */
typedef int64_t word;
typedef __mmask8 bits;
enum { LANES = 8 };
#define WIDTH(name) name##_64
#define LEAST INT64_MIN
#define MOST INT64_MAX

INLINE vec load(const word *p) { return _mm512_loadu_si512(p); }
INLINE void store(word *p, vec v) { _mm512_storeu_si512(p, v); }
INLINE vec load_first(const word *p, bits m, vec rest) { return _mm512_mask_loadu_epi64(rest, m, p); }
INLINE void store_first(word *p, bits m, vec v) { _mm512_mask_storeu_epi64(p, m, v); }
INLINE bits first(size_t n) { return (bits)_bzhi_u32(0xFF, (unsigned)n); }
INLINE vec all(word w) { return _mm512_set1_epi64(w); }
INLINE vec least(vec a, vec b) { return _mm512_min_epi64(a, b); }
INLINE vec most(vec a, vec b) { return _mm512_max_epi64(a, b); }
INLINE vec pick(bits m, vec a, vec b) { return _mm512_mask_blend_epi64(m, a, b); }
INLINE bits is_less(vec a, vec b) { return _mm512_cmplt_epi64_mask(a, b); }
INLINE bits is_not_more(vec a, vec b) { return _mm512_cmple_epi64_mask(a, b); }
INLINE bits is_same(vec a, vec b) { return _mm512_cmpeq_epi64_mask(a, b); }
INLINE bits is_nan(vec v) {
  __m512d d = _mm512_castsi512_pd(v);
  return _mm512_cmp_pd_mask(d, d, _CMP_UNORD_Q);
}
INLINE vec sign(vec v) { return _mm512_srai_epi64(v, 63); }
INLINE vec compress(bits m, vec v) { return _mm512_maskz_compress_epi64(m, v); }
/* The lanes of b behind the last one of a. */
INLINE vec shifted(vec a, vec b) { return _mm512_alignr_epi64(b, a, LANES - 1); }
/* Lane i moves to lane i - n, and comes in again at the other end. */
INLINE vec turned(vec v, size_t n) {
  static const word turns[2 * LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7};
  return _mm512_permutexvar_epi64(load(turns + n), v);
}

/* Lane i moves to lane i ^ distance. */
INLINE vec crossed(vec v, int distance) {
  switch (distance) {
  case 1: return _mm512_shuffle_epi32(v, 0x4E);
  case 2: return _mm512_permutex_epi64(v, 0x4E);
  case 3: return _mm512_permutex_epi64(v, 0x1B);
  case 4: return _mm512_shuffle_i64x2(v, v, 0x4E);
  default: return _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), v);
  }
}
/* The lower, and the upper halves of two vectors, lane by lane. */
INLINE vec lower_halves(vec a, vec b) { return _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b); }
INLINE vec upper_halves(vec a, vec b) { return _mm512_permutex2var_epi64(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b); }
/* A key of every part of x: LANES parts, n < 2^28 keys. */
INLINE vec spread_over(const word *x, size_t n) {
  __m512i eighths = _mm512_setr_epi64(3, 8, 21, 31, 34, 45, 48, 63);
  return _mm512_i64gather_epi64(_mm512_srli_epi64(_mm512_mullo_epi64(eighths, _mm512_set1_epi64((int64_t)n)), 6), x, 8);
}
