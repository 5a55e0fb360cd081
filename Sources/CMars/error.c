#include "cmars.h"

#include <string.h>

#define TEXT 1024

/* Fixed buffers: an error about memory must not need memory. */
static _Thread_local struct {
  mars_status code;
  char message[TEXT];
  char op[128];
  char origin[512];
  char path[TEXT];
  int32_t system_error;
} record;

static void copy(char *to, size_t size, const char *from) {
  size_t n = strlen(from);
  if (n >= size) {
    n = size - 1;
    /* Do not cut a UTF-8 sequence. */
    while (n > 0 && ((unsigned char)from[n] & 0xC0) == 0x80) n--;
  }
  memcpy(to, from, n);
  to[n] = 0;
}

void cmars_error_set(mars_status code, const char *message, const char *op, const char *origin, int32_t system_error, const char *path) {
  record.code = code;
  record.system_error = system_error;
  copy(record.path, sizeof record.path, path);
  copy(record.message, sizeof record.message, message);
  copy(record.op, sizeof record.op, op);
  copy(record.origin, sizeof record.origin, origin);
}

void cmars_error_get(mars_error *out) {
  out->code = record.code;
  out->message = record.message;
  out->op = record.op;
  out->origin = record.origin;
  /* What was added later is not there in the struct of an older client. */
  if (out->struct_size < sizeof *out) return;
  out->system_error = record.system_error;
  out->path = record.path;
}

_Static_assert(offsetof(mars_error, system_error) == 32, "the first fields of mars_error are part of the ABI");
_Static_assert(sizeof(mars_operand) == 40, "layout of mars_operand is part of the ABI");
_Static_assert(sizeof(mars_attribute) == 64, "layout of mars_attribute is part of the ABI");
_Static_assert(sizeof(mars_array) == 56, "layout of mars_array is part of the ABI");
_Static_assert(sizeof(mars_binding) == 24, "layout of mars_binding is part of the ABI");
_Static_assert(sizeof(cmars_dl_managed) == 80, "layout of DLManagedTensorVersioned");
_Static_assert(sizeof(mars_progress) == 24, "layout of mars_progress is part of the ABI");
_Static_assert(sizeof(mars_tensor_info) == 24 + 8 * MARS_MAX_DIMS, "layout of mars_tensor_info is part of the ABI");
