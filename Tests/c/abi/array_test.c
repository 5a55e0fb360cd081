/* Arrays that cross the interface, views, writing. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <string.h>
#include <time.h>

/* ---- arrays ---- */

static void count_release(void *owner) { ++*(int *)owner; }

static void ownership_of_arrays(void) {
  double data[3] = {1, 2, 3};
  const int64_t n = 3;
  int released = 0;
  mars_array a = array1(MARS_FLOAT64, data, &n);
  mars_array back = empty_array();
  mars_tensor *t = NULL, *sum;
  a.owner = &released;
  a.release = count_release;

  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_OK);
  CHECK(released == 1);
  data[0] = 100; /* a copy does not see this */
  CHECK(element(t, 0) == 1);
  mars_tensor_release(t);
  data[0] = 1;

  released = 0;
  t = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_ALIAS, NULL) == MARS_OK);
  CHECK(released == 0);
  CHECK(mars_fetch(&back, session, t) == MARS_OK);
  CHECK(back.data == (void *)data);
  sum = apply1("sum", t);
  mars_tensor_release(t);
  CHECK(element(sum, 0) == 6);
  mars_tensor_release(sum);
  CHECK(released == 0); /* `back` still needs it */
  mars_array_release(&back);
  CHECK(released == 1);
  mars_array_release(&back); /* a second time: nothing */
  CHECK(released == 1);

  /* A failing call has taken nothing. */
  released = 0;
  t = NULL;
  a.dtype = 99;
  CHECK(mars_tensor_from_array(&t, &a, MARS_ALIAS, NULL) < 0 && t == NULL);
  CHECK(released == 0);
}

static void arrays_that_make_no_sense(void) {
  double data[4] = {1, 2, 3, 4};
  int64_t n = 4;
  mars_tensor *t = NULL;
  mars_array a = array1(MARS_FLOAT64, data, &n);
  n = -1;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  n = INT64_MAX;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  n = 4;
  a.ndim = -1;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.ndim = MARS_MAX_DIMS + 1;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.ndim = 1;
  a.shape = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.shape = &n;
  a.data = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.data = data;
  CHECK(mars_tensor_from_array(&t, &a, 7, NULL) < 0);
  CHECK(t == NULL);
  n = 0; /* no elements: no memory needed */
  a.data = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_OK);
  mars_tensor_release(t);
}

static void strided_arrays_and_fetch_into(void) {
  double data[6] = {0, 1, 2, 3, 4, 5}, into[6] = {9, 9, 9, 9, 9, 9};
  const int64_t n = 3, backwards = -16, every_second = 16;
  mars_array a = array1(MARS_FLOAT64, data + 4, &n);
  mars_array destination = array1(MARS_FLOAT64, into, &n);
  mars_tensor *t = NULL;
  a.strides = &backwards;
  REQUIRE(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_OK);
  CHECK(element(t, 0) == 4 && element(t, 1) == 2 && element(t, 2) == 0);
  destination.strides = &every_second;
  CHECK(mars_fetch_into(session, t, &destination) == MARS_OK);
  CHECK(into[0] == 4 && into[1] == 9 && into[2] == 2 && into[3] == 9 && into[4] == 0 && into[5] == 9);
  destination.dtype = MARS_INT64;
  CHECK(mars_fetch_into(session, t, &destination) < 0);
  destination.dtype = MARS_FLOAT64;
  destination.flags = MARS_ARRAY_READONLY;
  CHECK(mars_fetch_into(session, t, &destination) < 0);
  mars_tensor_release(t);
}

static void a_tensor_tells_its_type(void) {
  mars_graph *g = NULL;
  mars_tensor *x = NULL;
  mars_tensor_info info;
  mars_dtype dtype = 0;
  int32_t ndim = 0;
  int64_t shape[MARS_MAX_DIMS];
  const int64_t extents[2] = {-1, 5};
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  REQUIRE(mars_graph_new(&g) == MARS_OK);
  REQUIRE(mars_graph_input(&x, g, "x", MARS_INT16, extents, 2) == MARS_OK);
  CHECK(mars_tensor_describe(&info, x) == MARS_OK);
  CHECK(info.dtype == MARS_INT16 && info.ndim == 2 && info.shape[0] == -1 && info.shape[1] == 5 && info.is_executed == 0);
  CHECK(mars_tensor_type(&dtype, &ndim, shape, x) == MARS_OK);
  CHECK(dtype == MARS_INT16 && ndim == 2 && shape[0] == -1 && shape[1] == 5);
  mars_tensor_release(x);
  mars_graph_release(g);
}

static void dlpack_round_trip(void) {
  mars_tensor *t = range(5), *back = NULL;
  void *managed = NULL;
  REQUIRE(mars_tensor_to_dlpack(&managed, session, t) == MARS_OK);
  REQUIRE(managed != NULL);
  mars_tensor_release(t);
  REQUIRE(mars_tensor_from_dlpack(&back, managed) == MARS_OK);
  CHECK(element(back, 4) == 4);
  mars_tensor_release(back);
}

static void fetched_elements_are_aligned(void) {
  char memory[40];
  const int64_t shape[1] = {4}, every[1] = {9};
  const int64_t whole[1] = {-1}, none[1] = {0};
  double x = 2.5;
  mars_array a, out;
  mars_tensor *t = NULL;
  int i, step;
  for (step = 8; step <= 9; step++) {
    for (i = 0; i < 4; i++) memcpy(memory + 1 + step * i, &x, sizeof x);
    a = array1(MARS_FLOAT64, memory + 1, shape);
    if (step == 9) {
      a.data = memory + 1;
      a.strides = every;
    }
    REQUIRE(mars_tensor_from_array(&t, &a, MARS_ALIAS, whole) == MARS_OK);
    out = empty_array();
    REQUIRE(mars_fetch(&out, session, t) == MARS_OK);
    CHECK((uintptr_t)out.data % sizeof x == 0 && out.strides[0] % 8 == 0);
    for (i = 0; i < 4; i++) CHECK(*(const double *)(const void *)((const char *)out.data + i * out.strides[0]) == 2.5);
    mars_array_release(&out);
    mars_tensor_release(t);
  }
  CHECK(mars_tensor_from_array(&t, &a, MARS_ALIAS, none) == MARS_ERROR_VALUE);
  CHECK(error_names("chunk_size must be positive, or -1 for a whole axis"));
}

static void flags_without_a_meaning(void) {
  double x[2] = {0, 0};
  const int64_t shape[1] = {2};
  mars_array a = array1(MARS_FLOAT64, x, shape);
  mars_tensor *t = NULL;
  mars_graph *g = NULL;
  a.flags = 6;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_ERROR_VALUE && error_names("array.flags") && error_names("0x6"));
  CHECK(mars_graph_parse(&g, "", 0, 2) == MARS_ERROR_VALUE && error_names("flags") && error_names("0x2"));
}

static void memory_in_common(void) {
  double values[4] = {1, 2, 3, 4};
  const int64_t shape[1] = {2};
  mars_array array = array1(MARS_COMPLEX128, values, shape);
  mars_tensor *z = NULL, *re, *im;
  int32_t shares = -1;
  REQUIRE(mars_tensor_from_array(&z, &array, MARS_COPY, NULL) == MARS_OK);
  re = apply1("real", z);
  im = apply1("imag", z);
  CHECK(mars_tensor_shares_memory(&shares, z, im, 1) == MARS_OK && shares == 1);
  CHECK(mars_tensor_shares_memory(&shares, re, im, 1) == MARS_OK && shares == 0);
  CHECK(mars_tensor_shares_memory(&shares, re, im, 0) == MARS_OK && shares == 1);
  mars_tensor_release(z);
  mars_tensor_release(re);
  mars_tensor_release(im);
}

/* ---- views, writing ---- */

static void writes_go_through_storage(void) {
  mars_tensor *a = range(4), *view, *kept = NULL, *other = range(4);
  mars_operand nine = of_int(9), five = of_tensor(NULL);
  mars_tensor *five_values = range(5);
  int32_t shares = -1;
  five.tensor = five_values;
  view = apply1("transpose", a);
  REQUIRE(view != NULL);
  CHECK(mars_tensor_shares_storage(&shares, a, view) == MARS_OK && shares == 1);
  CHECK(mars_tensor_shares_storage(&shares, a, other) == MARS_OK && shares == 0);
  CHECK(mars_tensor_snapshot(&kept, a) == MARS_OK);
  CHECK(mars_tensor_assign(view, &nine, "here") == MARS_OK);
  CHECK(element(a, 0) == 9 && element(view, 3) == 9);
  CHECK(element(kept, 0) == 0 && element(kept, 3) == 3);
  CHECK(mars_tensor_assign(a, &five, "there") == MARS_ERROR_VALUE);
  mars_tensor_release(a);
  CHECK(element(view, 0) == 9);
  mars_tensor_release(view);
  mars_tensor_release(kept);
  mars_tensor_release(other);
  mars_tensor_release(five_values);
}

/* What += and out= do: of one shape and kind only. */
static void storing_a_result(void) {
  mars_tensor *a = range(4), *five = range(5), *whole, *sum;
  mars_operand one = of_int(1), add = of_tensor(NULL);
  int32_t kind = MARS_INT64;
  mars_attribute to;
  memset(&to, 0, sizeof to);
  to.struct_size = sizeof to;
  to.kind = MARS_ATTR_DTYPE;
  to.name = "dtype";
  to.i = kind;
  sum = apply2("add", a, one);
  CHECK(mars_tensor_store(a, sum, "add", NULL, NULL) == MARS_OK && element(a, 3) == 4);
  CHECK(mars_tensor_store(a, five, "add", "unsafe", NULL) == MARS_ERROR_VALUE);
  CHECK(error_names("non-broadcastable output operand with shape (4,) doesn't match the broadcast shape (5,)"));
  add.tensor = a;
  whole = NULL;
  REQUIRE(mars_graph_apply(&whole, 1, NULL, op("astype"), &add, 1, &to, 1, NULL) == MARS_OK);
  CHECK(mars_tensor_store(whole, sum, "add", NULL, "here") == MARS_ERROR_TYPE);
  CHECK(error_names("Cannot cast ufunc 'add' output from dtype('float64') to dtype('int64') with casting rule 'same_kind'"));
  CHECK(strcmp(last_error().origin, "here") == 0);
  mars_tensor_release(a);
  mars_tensor_release(five);
  mars_tensor_release(whole);
  mars_tensor_release(sum);
}

/* Parts of complex values are views, which are written through. */
static void writes_to_parts(void) {
  double values[4] = {1, 2, 3, 4};
  const int64_t shape[1] = {2};
  mars_array array = array1(MARS_COMPLEX128, values, shape);
  mars_tensor *z = NULL, *re, *im;
  mars_operand nine = of_int(9);
  int32_t shares = -1;
  REQUIRE(mars_tensor_from_array(&z, &array, MARS_COPY, NULL) == MARS_OK);
  re = apply1("real", z);
  im = apply1("imag", z);
  REQUIRE(re != NULL && im != NULL);
  CHECK(mars_tensor_shares_storage(&shares, z, im) == MARS_OK && shares == 1);
  CHECK(mars_tensor_assign(im, &nine, NULL) == MARS_OK);
  CHECK(element(re, 1) == 3 && element(im, 1) == 9);
  mars_tensor_release(z);
  mars_tensor_release(re);
  mars_tensor_release(im);
}

void array_tests(void) {
  RUN(ownership_of_arrays);
  RUN(arrays_that_make_no_sense);
  RUN(fetched_elements_are_aligned);
  RUN(flags_without_a_meaning);
  RUN(memory_in_common);
  RUN(strided_arrays_and_fetch_into);
  RUN(a_tensor_tells_its_type);
  RUN(dlpack_round_trip);
  RUN(writes_go_through_storage);
  RUN(storing_a_result);
  RUN(writes_to_parts);
}
