/* What the examples share: stop on an error, the next step of a chain, time, memory, a hash.  C99 and C++11. */
#ifndef MARS_EXAMPLE_H
#define MARS_EXAMPLE_H

#include <mars/ops.h>
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

/* One step of a chain: the next tensor takes the place of the one that it was made of. */
static inline void replace(mars_tensor **tensor, mars_tensor *next) {
  mars_tensor_release(*tensor);
  *tensor = next;
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
