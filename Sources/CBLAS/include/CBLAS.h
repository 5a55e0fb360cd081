/* The few prototypes of OpenBLAS that Mars calls; written here so that no other header is needed. */
#ifndef MARS_CBLAS_H
#define MARS_CBLAS_H

enum mars_cblas_order { MARS_CBLAS_ROW_MAJOR = 101, MARS_CBLAS_COLUMN_MAJOR = 102 };
enum mars_cblas_transpose { MARS_CBLAS_NO_TRANS = 111, MARS_CBLAS_TRANS = 112, MARS_CBLAS_CONJ_TRANS = 113 };

/* C := alpha * op(A) * op(B) + beta * C, with op(A) m x k and op(B) k x n.  int is the index type of Debian's build. */
void cblas_sgemm(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                 float beta, float *c, int ldc);
void cblas_dgemm(int order, int transa, int transb, int m, int n, int k, double alpha, const double *a, int lda, const double *b, int ldb,
                 double beta, double *c, int ldc);
void cblas_cgemm(int order, int transa, int transb, int m, int n, int k, const void *alpha, const void *a, int lda, const void *b, int ldb,
                 const void *beta, void *c, int ldc);
void cblas_zgemm(int order, int transa, int transb, int m, int n, int k, const void *alpha, const void *a, int lda, const void *b, int ldb,
                 const void *beta, void *c, int ldc);

/* Number of threads that a call may use: one setting of the process. */
int openblas_get_num_threads(void);
void openblas_set_num_threads(int n);
char *openblas_get_config(void);

#endif
