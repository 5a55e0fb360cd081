/* What MarsABI implements, and the per-thread error record behind it (Swift has no thread-locals). */
#ifndef CMARS_H
#define CMARS_H

#include "../../../include/mars/mars.h"

/* Stores the record of this thread; strings are copied. */
void cmars_error_set(mars_status code, const char *message, const char *op, const char *origin, int32_t system_error, const char *path);
/* Reads it. */
void cmars_error_get(mars_error *out);

/* DLPack 1.0's versioned structs, declared here because Debian's package predates them.
 * Layout: https://dmlc.github.io/dlpack/latest/c_api.html */
#define CMARS_DL_CPU 1
#define CMARS_DL_INT 0
#define CMARS_DL_UINT 1
#define CMARS_DL_FLOAT 2
#define CMARS_DL_BFLOAT 4
#define CMARS_DL_COMPLEX 5
#define CMARS_DL_BOOL 6
#define CMARS_DL_READ_ONLY 1u

typedef struct cmars_dl_managed {
  uint32_t major;
  uint32_t minor;
  void *manager_ctx;
  void (*deleter)(struct cmars_dl_managed *self);
  uint64_t flags;
  void *data;
  int32_t device_type;
  int32_t device_id;
  int32_t ndim;
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
  int64_t *shape;
  int64_t *strides; /* in elements */
  uint64_t byte_offset;
} cmars_dl_managed;

#endif
