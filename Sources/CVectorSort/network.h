/* Sorting up to 16 vectors of keys in registers.
 *
 * The vectors are rows of a matrix.  Its columns are sorted all at once by comparing rows; then sorted columns are merged, two by two, by
 * bitonic merging (Batcher 1968), in column order: the keys of a column come before those of the next.  At last the matrix is turned. */
enum { ROWS = 16 };

INLINE void order(vec *a, vec *b) {
  vec low = least(*a, *b);
  *b = most(*a, *b);
  *a = low;
}

/* Batcher's odd-even merge sort of every column. */
INLINE void sort_columns(vec v[ROWS], int rows) {
  UNROLLED for (int p = 1; p < ROWS; p *= 2) {
    UNROLLED for (int k = ROWS / 2; k > 0; k /= 2) {
      UNROLLED for (int i = 0; i < ROWS; i++) {
        int j = i + k;
        /* Pairs begin behind the first k % p rows, k at a time, and lie in one stretch of 2 p rows. */
        if (p < rows && k <= p && j < rows && i >= k % p && (i - k % p) / k % 2 == 0 && i / (2 * p) == j / (2 * p)) order(&v[i], &v[j]);
      }
    }
  }
}

/* Lanes whose number has the bit `distance` */
INLINE bits lanes_with(int distance) {
  unsigned m = 0;
  UNROLLED for (int i = 0; i < LANES; i++) m |= (i & distance ? 1u : 0u) << i;
  return (bits)m;
}

/* Merges sorted groups of `distance` columns into groups of twice as many. */
INLINE void merge_columns(vec v[ROWS], int rows, int distance) {
  bits behind = lanes_with(distance);
  UNROLLED for (int i = 0; i < ROWS; i++) {
    int j = rows - 1 - i;
    if (i > j) continue;
    vec a = v[i], b = crossed(v[j], 2 * distance - 1);
    vec low = least(a, b), high = most(a, b);
    v[j] = crossed(pick(behind, high, low), 2 * distance - 1);
    v[i] = pick(behind, low, high);
  }
  UNROLLED for (int d = LANES / 4; d > 0; d /= 2) {
    if (d >= distance) continue;
    UNROLLED for (int i = 0; i < ROWS; i++) {
      if (i >= rows) continue;
      vec b = crossed(v[i], d);
      v[i] = pick(lanes_with(d), least(v[i], b), most(v[i], b));
    }
  }
  UNROLLED for (int d = ROWS / 2; d > 0; d /= 2) {
    UNROLLED for (int i = 0; i < ROWS; i++) {
      if (i + d < rows && (i & d) == 0) order(&v[i], &v[i + d]);
    }
  }
}

/* From column order to row order: the bits of places, row and lane, are turned round by one bit at a time. */
INLINE void turn(vec v[ROWS], int rows) {
  UNROLLED for (int r = 1; r < ROWS; r *= 2) {
    if (r >= rows) continue;
    vec w[ROWS];
    UNROLLED for (int i = 0; i < ROWS / 2; i++) {
      if (i >= rows / 2) continue;
      w[2 * i] = lower_halves(v[i], v[i + rows / 2]);
      w[2 * i + 1] = upper_halves(v[i], v[i + rows / 2]);
    }
    UNROLLED for (int i = 0; i < ROWS; i++) if (i < rows) v[i] = w[i];
  }
}

/* Sorts n keys, no more than fill `rows` vectors and more than fill half of them, and writes them as numbers. */
INLINE void sort_rows(const word *from, size_t n, mapping m, word *to, int rows) {
  vec v[ROWS];
  /* Half of the vectors are full. */
  UNROLLED for (int i = 0; i < ROWS; i++) {
    if (i >= rows) continue;
    size_t start = (size_t)i * LANES;
    if (i < rows / 2) {
      v[i] = load(from + start);
    } else {
      v[i] = load_first(from + start, first(n > start ? n - start : 0), all(MOST));
    }
  }
  sort_columns(v, rows);
  UNROLLED for (int d = 1; d < LANES; d *= 2) merge_columns(v, rows, d);
  turn(v, rows);
  UNROLLED for (int i = 0; i < ROWS; i++) {
    if (i >= rows) continue;
    size_t start = (size_t)i * LANES;
    if (i < rows / 2) {
      store(to + start, mapped(m, v[i]));
    } else {
      store_first(to + start, first(n > start ? n - start : 0), mapped(m, v[i]));
    }
  }
}

#define SORT_ROWS(R) \
  static __attribute__((noinline)) void sort_##R(const word *from, size_t n, mapping m, word *to) { sort_rows(from, n, m, to, R); }
SORT_ROWS(1)
SORT_ROWS(2)
SORT_ROWS(4)
SORT_ROWS(8)
SORT_ROWS(16)

enum { FEW = ROWS * LANES };

/* Sorts up to FEW keys, and writes them as numbers. */
static void sort_few(const word *from, size_t n, mapping m, word *to) {
  if (n > 8 * LANES) return sort_16(from, n, m, to);
  if (n > 4 * LANES) return sort_8(from, n, m, to);
  if (n > 2 * LANES) return sort_4(from, n, m, to);
  if (n > LANES) return sort_2(from, n, m, to);
  sort_1(from, n, m, to);
}
