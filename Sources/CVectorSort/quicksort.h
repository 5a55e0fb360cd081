/* Quicksort of keys, by vectors.
 *
 * Keys of a stretch lie in one of two buffers, at the places that they will have in the result.  Those before the pivot stay in the buffer,
 * those behind it go to the other one, so that nothing is read where something was written. */

/* Distributes n keys of x: those below the pivot, or not above it, stay in front of x; others go to the end of y.  Returns how many stay. */
INLINE size_t split(word *x, word *y, size_t n, word pivot, bool takes_equal) {
  vec p = all(pivot);
  size_t left = 0, right = n, i = 0;
#define SPLIT(v) \
  do { \
    bits m = takes_equal ? is_not_more(v, p) : is_less(v, p); \
    size_t stay = (size_t)__builtin_popcount(m); \
    store(x + left, compress(m, v)); \
    store(y + right - LANES, turned(compress((bits)~m, v), LANES - stay)); \
    left += stay; \
    right -= LANES - stay; \
  } while (0)
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    vec a = load(x + i), b = load(x + i + LANES), c = load(x + i + 2 * LANES), d = load(x + i + 3 * LANES);
    SPLIT(a);
    SPLIT(b);
    SPLIT(c);
    SPLIT(d);
  }
  for (; i + LANES <= n; i += LANES) {
    vec a = load(x + i);
    SPLIT(a);
  }
#undef SPLIT
  bits here = first(n - i);
  vec a = load_first(x + i, here, p);
  bits m = (takes_equal ? is_not_more(a, p) : is_less(a, p)) & here;
  bits other = here & (bits)~m;
  size_t stay = (size_t)__builtin_popcount(m);
  store_first(x + left, first(stay), compress(m, a));
  store_first(y + left + stay, first((size_t)__builtin_popcount(other)), compress(other, a));
  return left + stay;
}
static __attribute__((noinline)) size_t split_below(word *x, word *y, size_t n, word pivot) { return split(x, y, n, pivot, false); }
static __attribute__((noinline)) size_t split_equal(word *x, word *y, size_t n, word pivot) { return split(x, y, n, pivot, true); }

typedef struct {
  word key;
  bool is_frequent; /* whether many keys are equal to it */
} pivot;

/* The median of some keys.  They are picked with uneven steps, so that periods of the data do not meet them. */
static pivot choose(const word *x, size_t n) {
  word sample[FEW];
  size_t size;
  if (n < 1024) {
    size = LANES;
    vec v[ROWS] = {spread_over(x, n)};
    UNROLLED for (int d = 1; d < LANES; d *= 2) merge_columns(v, 1, d);
    store(sample, v[0]);
  } else {
    size = n < 16384 ? 4 * LANES : FEW;
    size_t step = n / size;
    uint64_t state = n;
    for (size_t i = 0; i < size; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sample[i] = x[i * step + (size_t)(((state >> 32) * step) >> 32)];
    }
    sort_few(sample, size, mapping_of(vector_sort_signed), sample);
  }
  word key = sample[size / 2];
  return (pivot){key, sample[size / 2 - size / 8] == key || sample[size / 2 + size / 8] == key};
}

static void fill(word *to, size_t n, vec v) {
  size_t i = 0;
  for (; i + LANES <= n; i += LANES) store(to + i, v);
  store_first(to + i, first(n - i), v);
}

/* Heap sort, for what pivots do not divide. */
static void sort_heap(word *a, size_t n) {
  for (size_t end = n, start = n / 2; end > 1;) {
    word w;
    if (start > 0) {
      w = a[--start];
    } else {
      w = a[--end];
      a[end] = a[0];
    }
    size_t hole = start;
    for (size_t child; (child = 2 * hole + 1) < end; hole = child) {
      if (child + 1 < end && a[child] < a[child + 1]) child++;
      if (a[child] <= w) break;
      a[hole] = a[child];
    }
    a[hole] = w;
  }
}

/* Sorts n keys of x into `to`, which is x or y, as numbers; y is scratch.  Pivots are chosen `depth` times at most. */
static void sort_keys(word *x, word *y, word *to, size_t n, mapping m, int depth) {
  while (n > FEW) {
    if (depth-- == 0) {
      sort_heap(x, n);
      for (size_t i = 0; i < n; i += LANES) {
        bits here = first(n - i < LANES ? n - i : LANES);
        store_first(to + i, here, mapped(m, load_first(x + i, here, all(0))));
      }
      return;
    }
    pivot p = choose(x, n);
    bool x_is_result = x == to;
    size_t below = split_below(x, y, n, p.key);
    word *rest = y + below, *other = x + below;
    word *rest_to = x_is_result ? other : rest;
    size_t behind = n - below;
    if (p.is_frequent || below == 0) {
      size_t equal = split_equal(rest, other, behind, p.key);
      /* What is behind lies in x again. */
      fill(rest_to, equal, mapped(m, all(p.key)));
      word *swap = rest;
      rest = other + equal;
      other = swap + equal;
      rest_to += equal;
      behind -= equal;
    }
    sort_keys(rest, other, rest_to, behind, m, depth);
    n = below;
  }
  sort_few(x, n, m, to);
}

void WIDTH(vector_sort)(word *keys, word *scratch, size_t n, vector_sort_numbers kind, int depth) {
  sort_keys(keys, scratch, keys, n, mapping_of(kind), depth);
}
