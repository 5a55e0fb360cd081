/* Element types and operators. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <mars/ops.h>
#include <math.h>
#include <string.h>

static void dtypes(void) {
  mars_dtype d = 0;
  int32_t can = -1;
  CHECK(mars_dtype_promote(&d, MARS_INT32, MARS_FLOAT32) == MARS_OK && d == MARS_FLOAT64);
  CHECK(mars_dtype_promote(&d, MARS_UINT64, MARS_INT64) == MARS_OK && d == MARS_FLOAT64);
  CHECK(mars_dtype_promote(&d, MARS_COMPLEX64, MARS_FLOAT64) == MARS_OK && d == MARS_COMPLEX128);
  CHECK(mars_dtype_promote(&d, 0, MARS_FLOAT64) < 0);
  CHECK(mars_dtype_promote(&d, MARS_FLOAT64, 99) < 0);
  CHECK(mars_dtype_can_cast(&can, MARS_INT32, MARS_FLOAT64, "safe") == MARS_OK && can == 1);
  CHECK(mars_dtype_can_cast(&can, MARS_FLOAT64, MARS_FLOAT32, "safe") == MARS_OK && can == 0);
  CHECK(mars_dtype_can_cast(&can, MARS_FLOAT64, MARS_FLOAT32, "same_kind") == MARS_OK && can == 1);
  CHECK(mars_dtype_can_cast(&can, MARS_INT64, MARS_BOOL, "unsafe") == MARS_OK && can == 1);
  CHECK(mars_dtype_can_cast(&can, MARS_BOOL, MARS_INT8, "no") == MARS_OK && can == 0);
  CHECK(mars_dtype_can_cast(&can, MARS_FLOAT64, MARS_FLOAT32, "hopeful") < 0 && error_names("hopeful"));
}

static void operators_describe_themselves(void) {
  mars_string *all = NULL, *one = NULL;
  int32_t a = -1, b = -1;
  REQUIRE(mars_op_describe_all(&all) == MARS_OK);
  CHECK(strstr(mars_string_data(all), "\"add\"") != NULL);
  CHECK(strstr(mars_string_data(all), "\"matmul\"") != NULL);
  REQUIRE(mars_op_describe(&one, "add") == MARS_OK);
  CHECK(strstr(mars_string_data(one), "numpy.add") != NULL);
  CHECK(mars_op_find(&a, "add") == MARS_OK && mars_op_find(&b, "add") == MARS_OK && a == b);
  CHECK(mars_op_find(&b, "sum") == MARS_OK && a != b);
  mars_string_release(all);
  mars_string_release(one);
}

static mars_attribute attribute(const char *name, int32_t kind) {
  mars_attribute a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  a.kind = kind;
  a.name = name;
  return a;
}

/* Errors of arguments are NumPy's in every language. */
static void arguments_are_checked_here(void) {
  mars_tensor *a = range(4), *mask, *out[8];
  mars_operand in[2];
  mars_attribute attributes[2];
  const int64_t beyond[2] = {0, 4}, masked[1] = {5}, too_many[2] = {1, 1};
  in[0] = of_tensor(a);
  attributes[0] = attribute("sections", MARS_ATTR_INT);
  CHECK(mars_graph_apply(out, 8, NULL, op("split"), in, 1, attributes, 1, NULL) == MARS_ERROR_VALUE);
  CHECK(error_names("number sections must be larger than 0."));
  attributes[0] = attribute("dtype", MARS_ATTR_DTYPE);
  attributes[0].i = MARS_INT32;
  attributes[1] = attribute("casting", MARS_ATTR_STRING);
  attributes[1].data = "safe";
  CHECK(mars_graph_apply(out, 1, NULL, op("astype"), in, 1, attributes, 2, NULL) == MARS_ERROR_TYPE);
  CHECK(error_names("Cannot cast array data from dtype('float64') to dtype('int32') according to the rule 'safe'"));
  attributes[0] = attribute("items", MARS_ATTR_INTS);
  attributes[0].data = beyond;
  attributes[0].count = 2;
  CHECK(mars_graph_apply(out, 1, NULL, op("index_view"), in, 1, attributes, 1, NULL) == MARS_ERROR_INDEX);
  CHECK(error_names("index 4 is out of bounds for axis 0 with size 4"));
  attributes[0].data = too_many;
  CHECK(mars_graph_apply(out, 1, NULL, op("index_view"), in, 1, attributes, 1, NULL) == MARS_ERROR_INDEX);
  CHECK(error_names("too many indices for array: array is 1-dimensional, but 2 were indexed"));
  mask = range(3);
  in[1] = of_tensor(mask);
  attributes[0].data = masked;
  attributes[0].count = 1;
  CHECK(mars_graph_apply(out, 1, NULL, op("index"), in, 2, attributes, 1, NULL) == MARS_ERROR_INDEX);
  CHECK(error_names("arrays used as indices must be of integer (or boolean) type"));
  in[1].tensor = apply1("isfinite", mask);
  CHECK(mars_graph_apply(out, 1, NULL, op("index"), in, 2, attributes, 1, NULL) == MARS_ERROR_INDEX);
  CHECK(error_names("boolean index did not match indexed array along axis 0; size of axis is 4 but size of corresponding boolean axis is 3"));
  mars_tensor_release(in[1].tensor);
  mars_tensor_release(mask);
  mars_tensor_release(a);
}

/* Inputs may be left out where the description says so, and a list may have any length. */
static void inputs_that_may_be_left_out(void) {
  mars_tensor *t = NULL, *x = range(3);
  mars_operand in[5];
  mars_attribute a[2];
  const int64_t size[1] = {3};
  int i;
  a[0] = attribute("seed", MARS_ATTR_SCALAR);
  a[0].dtype = MARS_UINT64;
  a[0].i = 7;
  a[1] = attribute("size", MARS_ATTR_INTS);
  a[1].data = size;
  a[1].count = 1;
  CHECK(mars_graph_apply(&t, 1, NULL, op("normal"), NULL, 0, a, 2, NULL) == MARS_OK);
  CHECK(element(t, 2) > -10 && element(t, 2) < 10);
  mars_tensor_release(t);
  in[0] = of_int(-1);
  for (i = 1; i < 5; i++) in[i] = of_tensor(i < 3 ? apply2(i == 1 ? "less" : "greater", x, of_int(1)) : x);
  CHECK(mars_graph_apply(&t, 1, NULL, op("select"), in, 5, NULL, 0, NULL) == MARS_OK);
  CHECK(element(t, 0) == 0 && element(t, 1) == -1 && element(t, 2) == 2);
  CHECK(mars_graph_apply(&t, 1, NULL, op("sum"), in + 1, 3, NULL, 0, NULL) == MARS_ERROR_TYPE);
  CHECK(error_names("sum() takes 1 to 2 inputs but 3 were given"));
  mars_tensor_release(t);
  mars_tensor_release(in[1].tensor);
  mars_tensor_release(in[2].tensor);
  mars_tensor_release(x);
}

static mars_status apply_to(mars_tensor **out, const char *name, const mars_operand *inputs, size_t count) {
  return mars_graph_apply(out, 1, NULL, op(name), inputs, count, NULL, 0, NULL);
}

/* An input in the middle is left out by MARS_OPERAND_NONE, or NULL in the functions of ops.h; what must be given is named. */
static void inputs_left_out_in_the_middle(void) {
  mars_tensor *x = range(3), *w, *mean, *t = NULL, *u = NULL;
  mars_operand in[4], weights, about;
  w = apply2("add", x, of_int(1)); /* 1, 2, 3 */
  in[0] = of_tensor(x);
  in[1] = in[2] = mars_none();
  in[3] = of_tensor(w);
  /* Weighted squares of the distances from 4/3 come to 30/9; they are divided by 6 - 14/6, and by 6 - 1 where weights count observations. */
  CHECK(apply_to(&t, "cov", in, 4) == MARS_OK);
  CHECK(fabs(element(t, 0) - 30.0 / 9 / (6 - 14.0 / 6)) < 1e-15);
  mars_tensor_release(t);
  weights = of_tensor(w);
  CHECK(mars_op_cov(&t, NULL, mars_of(x), NULL, NULL, &weights, NULL, 0) == MARS_OK);
  CHECK(mars_op_cov(&u, NULL, mars_of(x), NULL, &weights, NULL, NULL, 0) == MARS_OK);
  CHECK(fabs(element(t, 0) - 30.0 / 9 / (6 - 14.0 / 6)) < 1e-15 && fabs(element(u, 0) - 2.0 / 3) < 1e-15);
  mars_tensor_release(t);
  mars_tensor_release(u);
  /* About a mean that is at hand, without a mask: (0 + 1 + 4) / 3. */
  mean = range(1);
  about = of_tensor(mean);
  CHECK(mars_op_var(&t, NULL, mars_of(x), NULL, &about, NULL, 0) == MARS_OK && fabs(element(t, 0) - 5.0 / 3) < 1e-15);
  mars_tensor_release(t);
  /* Differences with an end in front, behind, at both ends and at none. */
  CHECK(mars_op_diff(&t, NULL, mars_of(x), &about, NULL, NULL, 0) == MARS_OK && element(t, 0) == 0 && element(t, 2) == 1);
  mars_tensor_release(t);
  CHECK(mars_op_diff(&t, NULL, mars_of(x), NULL, &about, NULL, 0) == MARS_OK && element(t, 0) == 1 && element(t, 2) == -2);
  mars_tensor_release(t);
  CHECK(mars_op_clip(&t, NULL, mars_of(x), NULL, &about) == MARS_OK && element(t, 0) == 0 && element(t, 2) == 0);
  mars_tensor_release(t);
  /* At the end it is as if they were not counted. */
  CHECK(apply_to(&t, "cov", in, 3) == MARS_OK && fabs(element(t, 0) - 1) < 1e-15);
  mars_tensor_release(t);
  t = NULL;
  in[0] = mars_none();
  CHECK(apply_to(&t, "cov", in, 4) == MARS_ERROR_TYPE && error_names("cov(): input 'm' may not be left out"));
  CHECK(apply_to(&t, "add", in, 2) == MARS_ERROR_TYPE && error_names("add(): input 'x1' may not be left out"));
  CHECK(apply_to(&t, "concatenate", in, 1) == MARS_ERROR_TYPE && error_names("none of the inputs 'arrays' may be left out"));
  CHECK(mars_tensor_assign(x, in, NULL) == MARS_ERROR_TYPE && error_names("the value to assign may not be left out"));
  in[0].kind = MARS_OPERAND_NONE + 1;
  CHECK(apply_to(&t, "add", in, 2) == MARS_ERROR_VALUE && t == NULL && error_names("no MARS_OPERAND kind"));
  mars_tensor_release(mean);
  mars_tensor_release(w);
  mars_tensor_release(x);
}

/* Operators whose result belongs into their first input, by the functions of ops.h. */
static void functions_that_write(void) {
  mars_tensor *x = range(6), *mask, *counts = NULL, *whole = NULL, *refused = NULL;
  mars_tensor_info info;
  mars_attribute mode = mars_attr_string("mode", "wrap"), least = mars_attr_int("minlength", 9), dtype = mars_attr("dtype", MARS_ATTR_DTYPE);
  dtype.i = MARS_INT64;
  mask = apply2("greater", x, of_int(3));
  CHECK(mars_op_putmask(x, mars_of(mask), mars_weak_float(-1.5)) == MARS_OK);
  CHECK(element(x, 3) == 3 && element(x, 4) == -1.5 && element(x, 5) == -1.5);
  CHECK(mars_op_put(x, mars_weak_int(7), mars_weak_int(4), &mode, 1) == MARS_OK && element(x, 1) == 4);
  CHECK(mars_op_put(x, mars_weak_int(7), mars_weak_int(4), NULL, 0) == MARS_OK);
  CHECK(element(x, 0) == -1e300 && error_names("index 7 is out of bounds for axis 0 with size 6"));
  mars_tensor_release(x);
  x = range(6);
  CHECK(mars_op_place(x, mars_of(mask), mars_of(mask)) == MARS_OK && element(x, 5) == 0 && element(x, 3) == 3);
  CHECK(mars_op_copyto(x, mars_weak_int(8), NULL, NULL, 0) == MARS_OK && element(x, 2) == 8);
  CHECK(mars_op_fill_diagonal(x, mars_weak_int(1), NULL, 0) == MARS_ERROR_VALUE && error_names("array must be at least 2-d"));
  mars_tensor_release(x);
  x = range(4);
  CHECK(mars_op_astype(&whole, NULL, mars_of(x), &dtype, 1) == MARS_OK);
  CHECK(mars_op_bincount(&counts, NULL, mars_of(whole), NULL, &least, 1) == MARS_OK);
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  CHECK(mars_tensor_describe(&info, counts) == MARS_OK && info.shape[0] == -1);
  CHECK(mars_execute(NULL, session, &counts, 1, NULL, 0) == MARS_OK);
  CHECK(mars_tensor_describe(&info, counts) == MARS_OK && info.shape[0] == 9);
  CHECK(mars_op_bincount(&refused, NULL, mars_of(x), NULL, NULL, 0) == MARS_ERROR_TYPE && refused == NULL);
  mars_tensor_release(counts);
  mars_tensor_release(whole);
  mars_tensor_release(mask);
  mars_tensor_release(x);
}

void operator_tests(void) {
  RUN(functions_that_write);
  RUN(dtypes);
  RUN(operators_describe_themselves);
  RUN(arguments_are_checked_here);
  RUN(inputs_that_may_be_left_out);
  RUN(inputs_left_out_in_the_middle);
}
