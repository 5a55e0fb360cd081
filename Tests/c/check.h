/* The least of a test framework: CHECK counts, the runner prints "N passed, N failed".  C99 and C++11. */
#ifndef MARS_TESTS_CHECK_H
#define MARS_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

extern int checks_failed_in_test;
extern int tests_passed, tests_failed;

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
extern char **wanted;

/* Runs one test function. */
void run_test(const char *name, void (*test)(void));
#define RUN(test) run_test(#test, test)

/* Prints the summary; the exit status of main. */
int report(void);

#endif
