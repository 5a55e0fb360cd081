/* The least that a program of another project needs. */
#include <mars/mars.h>
#include <stdio.h>

int main(void) {
  mars_session *session = NULL;
  if (mars_session_default(&session) != MARS_OK) return 1;
  printf("Mars %s\n", mars_version());
  mars_session_release(session);
  return 0;
}
