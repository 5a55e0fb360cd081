/* The header itself: every function links, layouts, version. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <string.h>

typedef void (*any_function)(void);
#define MARS_FUNCTION(name) {#name, (any_function)name},
static const struct {
  const char *name;
  any_function function;
} functions[] = {
#include "functions.inc"
};
#undef MARS_FUNCTION

static void every_function_links(void) {
  size_t i;
  CHECK(sizeof functions / sizeof *functions >= 54);
  for (i = 0; i < sizeof functions / sizeof *functions; i++) CHECK(functions[i].function != NULL);
}

static void layouts(void) {
  CHECK(sizeof(mars_status) == 4);
  CHECK(sizeof(mars_error) == 48 && offsetof(mars_error, system_error) == 32 && offsetof(mars_error, path) == 40);
  CHECK(sizeof(mars_array) == 56);
  CHECK(sizeof(mars_operand) == 40);
  CHECK(sizeof(mars_attribute) == 64);
  CHECK(sizeof(mars_tensor_info) == 24 + 8 * MARS_MAX_DIMS);
  CHECK(sizeof(mars_binding) == 24);
  CHECK(sizeof(mars_progress) == 24);
  CHECK(offsetof(mars_array, release) == 48);
  CHECK(offsetof(mars_operand, im) == 32);
  CHECK(offsetof(mars_attribute, data) == 56);
  CHECK(offsetof(mars_tensor_info, shape) == 16);
}

static void version(void) {
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", MARS_VERSION_MAJOR, MARS_VERSION_MINOR, MARS_VERSION_PATCH);
  CHECK(strcmp(mars_version(), text) == 0);
}

void header_tests(void) {
  RUN(every_function_links);
  RUN(layouts);
  RUN(version);
}
