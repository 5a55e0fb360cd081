/* Two computations that print the same lines in C, Java and Python, to the bit: lines that start with "  took" apart.
 *   demo [POINTS] */
#define _POSIX_C_SOURCE 200112L
#include "example.h"

#include <inttypes.h>

enum { SEED = 42 };

/* Uniform numbers in [low, high); the same on every machine for one seed. */
static mars_tensor *uniform(double low, double high, int64_t rows, int64_t columns) {
  const int64_t size[2] = {rows, columns};
  mars_attribute attributes[2];
  mars_tensor *out = NULL;
  attributes[0] = mars_attr_uint64("seed", SEED);
  attributes[1] = mars_attr_ints("size", size, 2);
  CHECK(mars_op_uniform(&out, NULL, mars_weak_float(low), mars_weak_float(high), attributes, 2));
  return out;
}

static void took(double start) { printf("  took %.3f s, peak memory %.1f MB\n", seconds_now() - start, peak_memory()); }

/* Share of random points of the square that lie in the circle. */
static void pi(mars_session *session, int64_t points) {
  const double start = seconds_now();
  const mars_attribute axis1 = mars_attr_int("axis", 1);
  mars_tensor *t, *next = NULL;
  mars_array result;
  int64_t inside;

  t = uniform(-1, 1, points, 2);
  CHECK(mars_op_power(&next, NULL, mars_of(t), mars_weak_int(2)));
  replace(&t, next);
  CHECK(mars_op_sum(&next, NULL, mars_of(t), NULL, &axis1, 1));
  replace(&t, next);
  CHECK(mars_op_sqrt(&next, NULL, mars_of(t)));
  replace(&t, next);
  CHECK(mars_op_less(&next, NULL, mars_of(t), mars_weak_int(1)));
  replace(&t, next);
  CHECK(mars_op_sum(&next, NULL, mars_of(t), NULL, NULL, 0));
  replace(&t, next);

  result = fetch(session, t);
  inside = *(const int64_t *)result.data;
  printf("Monte-Carlo pi, %" PRId64 " points\n", points);
  printf("  %" PRId64 " inside, pi = %.9f\n", inside, 4.0 * (double)inside / (double)points);
  took(start);
  mars_array_release(&result);
  mars_tensor_release(t);
}

/* (a + 1).sum(axis=1) of a random matrix. */
static void row_sums(mars_session *session) {
  const double start = seconds_now();
  const mars_attribute axis1 = mars_attr_int("axis", 1);
  mars_tensor *t, *next = NULL;
  mars_array result;
  const double *sums;

  t = uniform(0, 1, 1000, 2000);
  CHECK(mars_op_add(&next, NULL, mars_of(t), mars_weak_int(1)));
  replace(&t, next);
  CHECK(mars_op_sum(&next, NULL, mars_of(t), NULL, &axis1, 1));
  replace(&t, next);

  result = fetch(session, t);
  sums = (const double *)result.data;
  printf("(a + 1).sum(axis=1) of 1000 x 2000 random numbers\n");
  printf("  first %.9f, last %.9f, fnv1a %016" PRIx64 "\n", sums[0], sums[999], fnv1a(sums, 1000 * sizeof *sums));
  took(start);
  mars_array_release(&result);
  mars_tensor_release(t);
}

int main(int argc, char **argv) {
  const int64_t points = argc > 1 ? (int64_t)strtoll(argv[1], NULL, 10) : 1000000000;
  mars_session *session = NULL;
  CHECK(mars_session_default(&session));
  pi(session, points);
  row_sums(session);
  mars_session_release(session);
  return 0;
}
