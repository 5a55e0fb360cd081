/* What the files of the test of mars.h share.  Compiled as C99 and as C++11. */
#ifndef MARS_TESTS_ABI_H
#define MARS_TESTS_ABI_H

#include <mars/mars.h>
#include <pthread.h>

#include "../check.h"

extern mars_session *session; /* the session of all tests that do not need their own */

int scale(int count);
void sleep_ms(long ms);
mars_error last_error(void);
int error_names(const char *text);
mars_operand of_tensor(mars_tensor *t);
mars_operand of_int(int64_t i);
int32_t op(const char *name);
mars_tensor *apply2(const char *name, mars_tensor *a, mars_operand b);
mars_tensor *apply1(const char *name, mars_tensor *a);
mars_array array1(mars_dtype dtype, void *data, const int64_t *shape);
/* 0, 1, 2, ... as float64. */
mars_tensor *range(int64_t count);
mars_array empty_array(void);
/* Element `i` of a tensor of at most one axis and type float64; -1e300 if that fails. */
double element(mars_tensor *t, int64_t i);
/* Resident memory in KiB. */
long resident(void);
/* Runs `body` in a child process and returns whether it came back with 0 within 60 seconds: for what may crash or hang. */
int in_child(int (*body)(void));

typedef struct call_log {
  pthread_mutex_t lock;
  int calls, destroyed, fail, held;
} call_log;

void log_init(call_log *log);
int log_get(call_log *log, const int *field);
void log_add(call_log *log, int *field, int by);
int32_t tenfold(void *user, const mars_array *in, mars_array *out, const int64_t *lower, char *message, size_t size);
void log_destroy(void *user);
/* Waits until something has been counted; whether it has. */
int log_wait(call_log *log, const int *field);
/* y = x + 1, x a vector of any length. */
mars_graph *plus_one(mars_tensor **x, mars_tensor **y);
/* A run whose only task is in its callback: `*run` of the tensor `*m`. */
void start_held(call_log *log, mars_run **run, mars_tensor **m);
double seconds(void);
int compute(void);

/* The tests of each file. */
void header_tests(void);
void handle_tests(void);
void error_tests(void);
void session_tests(void);
void operator_tests(void);
void array_tests(void);
void graph_tests(void);
void callback_tests(void);
void run_tests(void);
void lifetime_tests(void);
void thread_tests(void);

#endif
