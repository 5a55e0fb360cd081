/* What MarsABI implements, and the per-thread error record behind it (Swift has no thread-locals). */
#ifndef CMARS_H
#define CMARS_H

#include "../../../include/mars/mars.h"

/* Stores the record of this thread; strings are copied. */
void cmars_error_set(mars_status code, const char *message, const char *op, const char *origin);
/* Reads it. */
void cmars_error_get(mars_error *out);

#endif
