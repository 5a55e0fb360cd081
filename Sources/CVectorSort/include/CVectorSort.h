#ifndef CVECTORSORT_H
#define CVECTORSORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorting numbers of 4 and 8 bytes with AVX-512.
 *
 * Numbers become keys, signed integers in the order of the numbers: signed integers are their own keys, unsigned ones lose half of their
 * range, and of negative floats all bits but the sign are turned over.  Doing it again gives the number back.  Keys of floats tell -0.0
 * from 0.0, which they put first; NaNs have no place among them. */

typedef enum { vector_sort_signed, vector_sort_unsigned, vector_sort_float } vector_sort_numbers;

/* Whether this processor has what the functions below need; they may not be called otherwise. */
bool vector_sort_is_supported(void);

typedef struct {
  size_t count;            /* numbers that are not NaN */
  bool is_sorted;          /* whether they are in order; not looked for where there are NaNs */
  bool has_negative_zero;  /* whether a float is -0.0 */
} vector_sort_gathered;

/* Writes the keys of n numbers, NaNs left out, to `keys`, which has room for n. */
vector_sort_gathered vector_sort_gather_32(const void *numbers, size_t n, vector_sort_numbers kind, int32_t *keys);
vector_sort_gathered vector_sort_gather_64(const void *numbers, size_t n, vector_sort_numbers kind, int64_t *keys);

/* Sorts n keys and makes them numbers again, in place; `scratch` has room for n.  What is still long after `depth` pivots, of which each is
 * to halve it, is sorted in another way, so that no keys take quadratic time. */
void vector_sort_32(int32_t *keys, int32_t *scratch, size_t n, vector_sort_numbers kind, int depth);
void vector_sort_64(int64_t *keys, int64_t *scratch, size_t n, vector_sort_numbers kind, int depth);

/* Makes n keys numbers again, in place. */
void vector_sort_restore_32(int32_t *keys, size_t n, vector_sort_numbers kind);
void vector_sort_restore_64(int64_t *keys, size_t n, vector_sort_numbers kind);

/* Merges two sorted vectors of numbers, none of them NaN, into `to`, in the order of keys. */
void vector_sort_merge_32(const void *a, size_t na, const void *b, size_t nb, void *to, vector_sort_numbers kind);
void vector_sort_merge_64(const void *a, size_t na, const void *b, size_t nb, void *to, vector_sort_numbers kind);

#endif
