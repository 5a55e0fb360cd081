/* On other processors nobody calls these: vector_sort_is_supported tells them not to. */
#if !defined(__x86_64__)
#include "CVectorSort.h"

#define ELSEWHERE(W) \
  vector_sort_gathered vector_sort_gather_##W(const void *numbers, size_t n, vector_sort_numbers kind, int##W##_t *keys) { \
    (void)numbers, (void)n, (void)kind, (void)keys; \
    __builtin_trap(); \
  } \
  void vector_sort_##W(int##W##_t *keys, int##W##_t *scratch, size_t n, vector_sort_numbers kind, int depth) { \
    (void)keys, (void)scratch, (void)n, (void)kind, (void)depth; \
    __builtin_trap(); \
  } \
  void vector_sort_restore_##W(int##W##_t *keys, size_t n, vector_sort_numbers kind) { \
    (void)keys, (void)n, (void)kind; \
    __builtin_trap(); \
  } \
  void vector_sort_merge_##W(const void *a, size_t na, const void *b, size_t nb, void *to, vector_sort_numbers kind) { \
    (void)a, (void)na, (void)b, (void)nb, (void)to, (void)kind; \
    __builtin_trap(); \
  }
ELSEWHERE(32)
ELSEWHERE(64)
#endif
