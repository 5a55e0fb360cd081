/* Numbers as keys, and back. */

/* key = number ^ (sign of the number & turned) ^ moved, and the same again. */
typedef struct {
  vec turned, moved;
} mapping;

INLINE mapping mapping_of(vector_sort_numbers kind) {
  return (mapping){all(kind == vector_sort_float ? MOST : 0), all(kind == vector_sort_unsigned ? LEAST : 0)};
}
INLINE vec mapped(mapping m, vec v) {
  /* 0x78: a ^ (b & c). */
  vec turned = sizeof(word) == 8 ? _mm512_ternarylogic_epi64(v, sign(v), m.turned, 0x78) : _mm512_ternarylogic_epi32(v, sign(v), m.turned, 0x78);
  return _mm512_xor_si512(turned, m.moved);
}

/* The key of one number. */
INLINE word key_of(word number, vector_sort_numbers kind) {
  if (kind == vector_sort_float) return number ^ (number < 0 ? MOST : 0);
  return kind == vector_sort_unsigned ? number ^ LEAST : number;
}

void WIDTH(vector_sort_restore)(word *keys, size_t n, vector_sort_numbers kind) {
  if (kind == vector_sort_signed) return;
  mapping m = mapping_of(kind);
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) store(keys + i, mapped(m, load(keys + i)));
  store_first(keys + i, first(n - i), mapped(m, load_first(keys + i, first(n - i), all(0))));
}

INLINE vector_sort_gathered gather(const word *from, size_t n, vector_sort_numbers kind, word *keys) {
  mapping m = mapping_of(kind);
  vec last = all(LEAST);
  size_t count = 0, nans = 0;
  unsigned later = 0, negative_zeros = 0;
  for (size_t i = 0; i < n; i += LANES) {
    bits here = n - i < LANES ? first(n - i) : (bits)-1;
    vec number = here == (bits)-1 ? load(from + i) : load_first(from + i, here, all(0));
    vec key = mapped(m, number);
    later |= is_less(key, shifted(last, key)) & here;
    last = key;
    if (kind == vector_sort_float) {
      negative_zeros |= is_same(number, all(LEAST));
      bits nan = is_nan(number);
      if (nan) {
        here &= (bits)~nan;
        nans += (size_t)__builtin_popcount(nan);
        key = compress(here, key);
        here = first((size_t)__builtin_popcount(here));
      }
    }
    if (here == (bits)-1) {
      store(keys + count, key);
      count += LANES;
    } else {
      store_first(keys + count, here, key);
      count += (size_t)__builtin_popcount(here);
    }
  }
  return (vector_sort_gathered){count, !later && !nans, negative_zeros != 0};
}

vector_sort_gathered WIDTH(vector_sort_gather)(const void *numbers, size_t n, vector_sort_numbers kind, word *keys) {
  switch (kind) {
  case vector_sort_signed: return gather(numbers, n, vector_sort_signed, keys);
  case vector_sort_unsigned: return gather(numbers, n, vector_sort_unsigned, keys);
  case vector_sort_float: return gather(numbers, n, vector_sort_float, keys);
  }
  __builtin_unreachable();
}
