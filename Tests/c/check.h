/* The least of a test framework: CHECK counts, the runner prints "N passed, N failed".  C99 and C++11. */
#ifndef MARS_TESTS_CHECK_H
#define MARS_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

static int checks_failed_in_test;
static int tests_passed, tests_failed;

/* Says what failed where and goes on. */
#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      checks_failed_in_test++; \
    } \
  } while (0)

/* As CHECK, but leaves the test function: what follows needs it. */
#define REQUIRE(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      checks_failed_in_test++; \
      return; \
    } \
  } while (0)

/* Names of the tests to run; none: all of them. */
static char **wanted;

/* Runs one test function. */
static void run_test(const char *name, void (*test)(void)) {
  int i, found = !wanted || !wanted[0];
  for (i = 0; !found && wanted[i]; i++) found = strcmp(wanted[i], name) == 0;
  if (!found) return;
  checks_failed_in_test = 0;
  test();
  if (checks_failed_in_test) tests_failed++;
  else tests_passed++;
  printf("%s %s\n", checks_failed_in_test ? "FAIL" : "ok  ", name);
  fflush(stdout);
}
#define RUN(test) run_test(#test, test)

/* Prints the summary; the exit status of main. */
static int report(void) {
  printf("%d passed, %d failed\n", tests_passed, tests_failed);
  return tests_failed != 0;
}

#endif
