/* Two computations that print the same lines in C, Java and Python, to the bit: lines that start with "  took" apart.
 *   demo [POINTS] */
#define _POSIX_C_SOURCE 200112L
#include "example.h"

#include <inttypes.h>

enum { SEED = 42 };

/* Uniform numbers in [low, high); the same on every machine for one seed. */
static mars_tensor *uniform(double low, double high, int64_t rows, int64_t columns) {
  const int64_t size[2] = {rows, columns};
  mars_operand range[2];
  mars_attribute attributes[2];
  range[0] = operand_float(low);
  range[1] = operand_float(high);
  attributes[0] = attribute_uint64("seed", SEED);
  attributes[1] = attribute_ints("size", size, 2);
  return apply("uniform", range, 2, attributes, 2);
}

static void took(double start) { printf("  took %.3f s, peak memory %.1f MB\n", seconds_now() - start, peak_memory()); }

/* Share of random points of the square that lie in the circle. */
static void pi(mars_session *session, int64_t points) {
  const double start = seconds_now();
  const mars_attribute axis1 = attribute_int("axis", 1);
  mars_tensor *t;
  mars_array result;
  int64_t inside;

  t = uniform(-1, 1, points, 2);
  t = then_with(t, "power", operand_int(2));
  t = then(t, "sum", &axis1, 1);
  t = then(t, "sqrt", NULL, 0);
  t = then_with(t, "less", operand_int(1));
  t = then(t, "sum", NULL, 0);

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
  const mars_attribute axis1 = attribute_int("axis", 1);
  mars_tensor *t;
  mars_array result;
  const double *sums;

  t = uniform(0, 1, 1000, 2000);
  t = then_with(t, "add", operand_int(1));
  t = then(t, "sum", &axis1, 1);

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
