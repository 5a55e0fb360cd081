/* What the examples share: stop on an error, operands and attributes in one expression, time, memory, a hash.  C99 and C++11.
 *
 * mars/ops.h has a typed function for every operator; the generic call below shows what stands behind it. */
#ifndef MARS_EXAMPLE_H
#define MARS_EXAMPLE_H

#include <mars/mars.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Stops the program with the library's report if a call failed. */
static inline void check(mars_status status, const char *call) {
  mars_error error;
  if (status == MARS_OK) return;
  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  mars_error_last(&error);
  fprintf(stderr, "%s failed (%d): %s\n", call, (int)status, error.message);
  exit(1);
}
#define CHECK(call) check((call), #call)

/* ---- operands ---- */

static inline mars_operand operand_tensor(mars_tensor *tensor) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_TENSOR;
  o.tensor = tensor;
  return o;
}

static inline mars_operand operand_int(int64_t value) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_WEAK_INT;
  o.i = value;
  return o;
}

static inline mars_operand operand_float(double value) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_WEAK_FLOAT;
  o.re = value;
  return o;
}

/* ---- attributes ---- */

static inline mars_attribute attribute(const char *name, int32_t kind) {
  mars_attribute a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  a.kind = kind;
  a.name = name;
  return a;
}

static inline mars_attribute attribute_int(const char *name, int64_t value) {
  mars_attribute a = attribute(name, MARS_ATTR_INT);
  a.i = value;
  return a;
}

static inline mars_attribute attribute_uint64(const char *name, uint64_t value) {
  mars_attribute a = attribute(name, MARS_ATTR_SCALAR);
  a.dtype = MARS_UINT64;
  a.i = (int64_t)value;
  return a;
}

/* `values` must stay until the call is over. */
static inline mars_attribute attribute_ints(const char *name, const int64_t *values, int64_t count) {
  mars_attribute a = attribute(name, MARS_ATTR_INTS);
  a.data = values;
  a.count = count;
  return a;
}

/* ---- calls ---- */

/* One operator with one output; the graph is NULL: tensors own what they need. */
static inline mars_tensor *apply(const char *name, const mars_operand *inputs, size_t input_count, const mars_attribute *attributes,
                                 size_t attribute_count) {
  int32_t op = 0;
  mars_tensor *out = NULL;
  check(mars_op_find(&op, name), name);
  check(mars_graph_apply(&out, 1, NULL, op, inputs, input_count, attributes, attribute_count, NULL), name);
  return out;
}

/* As apply with one input, which is released: for chains in which each step replaces the one before. */
static inline mars_tensor *then(mars_tensor *in, const char *name, const mars_attribute *attributes, size_t attribute_count) {
  mars_operand input = operand_tensor(in);
  mars_tensor *out = apply(name, &input, 1, attributes, attribute_count);
  mars_tensor_release(in);
  return out;
}

/* As then, with a second operand. */
static inline mars_tensor *then_with(mars_tensor *in, const char *name, mars_operand second) {
  mars_operand inputs[2];
  mars_tensor *out;
  inputs[0] = operand_tensor(in);
  inputs[1] = second;
  out = apply(name, inputs, 2, NULL, 0);
  mars_tensor_release(in);
  return out;
}

/* The values of a tensor; free with mars_array_release. */
static inline mars_array fetch(mars_session *session, mars_tensor *tensor) {
  mars_array array;
  memset(&array, 0, sizeof array);
  array.struct_size = sizeof array;
  CHECK(mars_fetch(&array, session, tensor));
  return array;
}

/* ---- figures ---- */

static inline double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Largest resident memory of the process so far, in MB; 0 where the system does not tell. */
static inline double peak_memory(void) {
  char line[256];
  double kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %lf kB", &kilobytes) == 1) break;
  fclose(file);
  return kilobytes / 1000;
}

/* FNV-1a, 64 bits, of a run of bytes. */
static inline uint64_t fnv1a(const void *data, size_t size) {
  const unsigned char *p = (const unsigned char *)data;
  uint64_t hash = 14695981039346656037u;
  size_t i;
  for (i = 0; i < size; i++) hash = (hash ^ p[i]) * 1099511628211u;
  return hash;
}

#endif
