/* Merging two sorted vectors of numbers, a vector of lanes at a time: of what has been read the lower half is written, the upper one stays.
 *
 * Every step waits for the one before it; so four parts of the result are merged at the same time. */

/* How far a part is merged. */
typedef struct {
  const word *a, *a_end, *b, *b_end;
  word *to;
  vec ahead; /* the largest keys read, which are not written yet */
} course;

/* Sorts keys that first ascend and then descend, or are such a sequence turned round. */
INLINE vec smooth_by(vec v, int distance) {
  vec other = crossed(v, distance);
  return pick(lanes_with(distance), least(v, other), most(v, other));
}
INLINE vec smooth(vec v) {
  if (LANES == 16) v = smooth_by(v, 8);
  return smooth_by(smooth_by(smooth_by(v, 4), 2), 1);
}

/* The next keys: those of which the first is less.  What is read later is not less than it. */
INLINE vec read_next(course *c, mapping m, vector_sort_numbers kind) {
  size_t from_b = key_of(*c->b, kind) < key_of(*c->a, kind);
  const word *next = from_b ? c->b : c->a;
  c->b += from_b * LANES;
  c->a += (1 - from_b) * LANES;
  return mapped(m, load(next));
}

INLINE void advance(course *c, mapping m, vector_sort_numbers kind) {
  vec next = crossed(read_next(c, m, kind), LANES - 1);
  vec low = least(c->ahead, next), high = most(c->ahead, next);
  store(c->to, mapped(m, smooth(low)));
  c->to += LANES;
  c->ahead = smooth(high);
}

/* So many steps can be made at least. */
INLINE size_t steps(const course *c) {
  size_t a = (size_t)(c->a_end - c->a), b = (size_t)(c->b_end - c->b);
  return (a < b ? a : b) / LANES;
}

/* Merges a few numbers with many. */
INLINE void merge_few(const word *few, size_t n, const word *many, size_t rest, word *to, vector_sort_numbers kind) {
  for (size_t i = 0; i < n; i++) {
    size_t low = 0, high = rest;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (key_of(many[middle], kind) < key_of(few[i], kind)) low = middle + 1;
      else high = middle;
    }
    memcpy(to, many, low * sizeof(word));
    to += low;
    many += low;
    rest -= low;
    *to++ = few[i];
  }
  memcpy(to, many, rest * sizeof(word));
}

/* Merges what is left of a part: one side has less than a vector. */
INLINE void finish(course *c, bool has_ahead, mapping m, vector_sort_numbers kind) {
  size_t na = (size_t)(c->a_end - c->a), nb = (size_t)(c->b_end - c->b);
  const word *shorter = na < nb ? c->a : c->b, *longer = na < nb ? c->b : c->a;
  size_t n = na < nb ? na : nb, rest = na < nb ? nb : na;
  word few[2 * LANES];
  if (has_ahead) {
    word ahead[LANES];
    store(ahead, mapped(m, c->ahead));
    merge_few(shorter, n, ahead, LANES, few, kind);
    shorter = few;
    n += LANES;
  }
  merge_few(shorter, n, longer, rest, c->to, kind);
}

/* How many of the first `rank` numbers of the result are of a. */
INLINE size_t share(const word *a, size_t na, const word *b, size_t nb, size_t rank, vector_sort_numbers kind) {
  size_t low = rank > nb ? rank - nb : 0, high = rank < na ? rank : na;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (key_of(b[rank - 1 - middle], kind) < key_of(a[middle], kind)) high = middle;
    else low = middle + 1;
  }
  return low;
}

INLINE void merge(const word *a, size_t na, const word *b, size_t nb, word *to, vector_sort_numbers kind) {
  enum { PARTS = 4 };
  mapping m = mapping_of(kind);
  course c[PARTS];
  size_t n = na + nb, from = 0, from_a = 0;
  bool is_long = true;
  UNROLLED for (size_t k = 0; k < PARTS; k++) {
    size_t end = n / PARTS * (k + 1) + (k + 1 == PARTS ? n % PARTS : 0), end_a = share(a, na, b, nb, end, kind);
    c[k] = (course){a + from_a, a + end_a, b + (from - from_a), b + (end - end_a), to + from, all(0)};
    from = end;
    from_a = end_a;
    is_long = is_long && steps(&c[k]) > 1;
  }
  if (is_long) {
    UNROLLED for (size_t k = 0; k < PARTS; k++) c[k].ahead = read_next(&c[k], m, kind);
    for (;;) {
      size_t safe = steps(&c[0]);
      UNROLLED for (size_t k = 1; k < PARTS; k++) safe = steps(&c[k]) < safe ? steps(&c[k]) : safe;
      if (safe == 0) break;
      for (; safe > 0; safe--) {
        UNROLLED for (size_t k = 0; k < PARTS; k++) advance(&c[k], m, kind);
      }
    }
  }
  UNROLLED for (size_t k = 0; k < PARTS; k++) {
    bool has_ahead = is_long;
    if (!is_long && steps(&c[k]) > 0) {
      c[k].ahead = read_next(&c[k], m, kind);
      has_ahead = true;
    }
    while (steps(&c[k]) > 0) advance(&c[k], m, kind);
    finish(&c[k], has_ahead, m, kind);
  }
}

void WIDTH(vector_sort_merge)(const void *a, size_t na, const void *b, size_t nb, void *to, vector_sort_numbers kind) {
  switch (kind) {
  case vector_sort_signed: return merge(a, na, b, nb, to, vector_sort_signed);
  case vector_sort_unsigned: return merge(a, na, b, nb, to, vector_sort_unsigned);
  case vector_sort_float: return merge(a, na, b, nb, to, vector_sort_float);
  }
  __builtin_unreachable();
}
