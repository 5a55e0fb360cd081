/* The runner: see check.h. */
#include "check.h"

#include <stdio.h>
#include <string.h>

int checks_failed_in_test;
int tests_passed, tests_failed;
char **wanted;

void run_test(const char *name, void (*test)(void)) {
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

int report(void) {
  printf("%d passed, %d failed\n", tests_passed, tests_failed);
  return tests_failed != 0;
}
