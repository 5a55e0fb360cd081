/* The conventions of mars.h, tested through nothing but mars.h.  Compiled as C99 and as C++11: the header's `extern "C"` and types hold there too.
 *
 *   abi_test [TEST]...
 * MARS_TEST_SCALE=100 divides the counts of the repetition tests by 100, for slow builds. */
#include "abi.h"

#include <stdio.h>

int main(int argc, char **argv) {
  wanted = argv + (argc > 0);
  header_tests();
  if (mars_session_open(&session, NULL, NULL, 0) != MARS_OK) {
    fprintf(stderr, "no session: %s\n", last_error().message);
    tests_failed++;
    return report();
  }
  handle_tests();
  error_tests();
  session_tests();
  operator_tests();
  array_tests();
  graph_tests();
  callback_tests();
  run_tests();
  lifetime_tests();
  thread_tests();
  mars_session_release(session);
  return report();
}
