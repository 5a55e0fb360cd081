/* LLVM 19 through its C interface, loaded when the first kernel is compiled.
 *
 * libLLVM is 130 MB and must not be a needed library of ours: every function below is a call through a table that mars_llvm_load fills with
 * dlopen and dlsym.  The prototypes are our own, so that building needs no LLVM headers. */
#ifndef MARS_CLLVM_H
#define MARS_CLLVM_H

#include <stddef.h>
#include <stdint.h>

typedef struct LLVMOpaqueContext *LLVMContextRef;
typedef struct LLVMOpaqueModule *LLVMModuleRef;
typedef struct LLVMOpaqueType *LLVMTypeRef;
typedef struct LLVMOpaqueValue *LLVMValueRef;
typedef struct LLVMOpaqueBasicBlock *LLVMBasicBlockRef;
typedef struct LLVMOpaqueBuilder *LLVMBuilderRef;
typedef struct LLVMOpaqueAttributeRef *LLVMAttributeRef;
typedef struct LLVMOpaqueMemoryBuffer *LLVMMemoryBufferRef;
typedef struct LLVMOpaqueTargetMachine *LLVMTargetMachineRef;
typedef struct LLVMTarget *LLVMTargetRef;
typedef struct LLVMOpaqueTargetData *LLVMTargetDataRef;
typedef struct LLVMOpaquePassBuilderOptions *LLVMPassBuilderOptionsRef;
typedef struct LLVMOpaqueError *LLVMErrorRef;
typedef int LLVMBool;

#define MARS_LLVM_BINARY(X, N) X(LLVMValueRef, N, (LLVMBuilderRef b, LLVMValueRef l, LLVMValueRef r, const char *n), (b, l, r, n))
#define MARS_LLVM_CAST(X, N) X(LLVMValueRef, N, (LLVMBuilderRef b, LLVMValueRef v, LLVMTypeRef t, const char *n), (b, v, t, n))

/* X(result, name, parameters, arguments); V is the same for functions without result. */
#define MARS_LLVM_FUNCTIONS(X, V) \
  X(LLVMContextRef, LLVMContextCreate, (void), ()) \
  V(LLVMContextDispose, (LLVMContextRef c), (c)) \
  X(LLVMModuleRef, LLVMModuleCreateWithNameInContext, (const char *n, LLVMContextRef c), (n, c)) \
  V(LLVMDisposeModule, (LLVMModuleRef m), (m)) \
  V(LLVMSetTarget, (LLVMModuleRef m, const char *t), (m, t)) \
  V(LLVMSetModuleDataLayout, (LLVMModuleRef m, LLVMTargetDataRef d), (m, d)) \
  V(LLVMDisposeTargetData, (LLVMTargetDataRef d), (d)) \
  X(char *, LLVMPrintModuleToString, (LLVMModuleRef m), (m)) \
  V(LLVMDisposeMessage, (char *m), (m)) \
  X(LLVMBool, LLVMVerifyModule, (LLVMModuleRef m, int action, char **message), (m, action, message)) \
  X(LLVMBuilderRef, LLVMCreateBuilderInContext, (LLVMContextRef c), (c)) \
  V(LLVMDisposeBuilder, (LLVMBuilderRef b), (b)) \
  V(LLVMPositionBuilderAtEnd, (LLVMBuilderRef b, LLVMBasicBlockRef bb), (b, bb)) \
  V(LLVMPositionBuilderBefore, (LLVMBuilderRef b, LLVMValueRef v), (b, v)) \
  X(LLVMBasicBlockRef, LLVMGetInsertBlock, (LLVMBuilderRef b), (b)) \
  X(LLVMValueRef, LLVMGetBasicBlockTerminator, (LLVMBasicBlockRef b), (b)) \
  X(LLVMBasicBlockRef, LLVMAppendBasicBlockInContext, (LLVMContextRef c, LLVMValueRef f, const char *n), (c, f, n)) \
  X(LLVMValueRef, LLVMAddFunction, (LLVMModuleRef m, const char *n, LLVMTypeRef t), (m, n, t)) \
  X(LLVMValueRef, LLVMGetParam, (LLVMValueRef f, unsigned i), (f, i)) \
  X(LLVMTypeRef, LLVMIntTypeInContext, (LLVMContextRef c, unsigned bits), (c, bits)) \
  X(LLVMTypeRef, LLVMHalfTypeInContext, (LLVMContextRef c), (c)) \
  X(LLVMTypeRef, LLVMFloatTypeInContext, (LLVMContextRef c), (c)) \
  X(LLVMTypeRef, LLVMDoubleTypeInContext, (LLVMContextRef c), (c)) \
  X(LLVMTypeRef, LLVMVoidTypeInContext, (LLVMContextRef c), (c)) \
  X(LLVMTypeRef, LLVMPointerTypeInContext, (LLVMContextRef c, unsigned space), (c, space)) \
  X(LLVMTypeRef, LLVMVectorType, (LLVMTypeRef t, unsigned n), (t, n)) \
  X(LLVMTypeRef, LLVMFunctionType, (LLVMTypeRef r, LLVMTypeRef *p, unsigned n, LLVMBool va), (r, p, n, va)) \
  X(LLVMTypeRef, LLVMTypeOf, (LLVMValueRef v), (v)) \
  X(int, LLVMGetTypeKind, (LLVMTypeRef t), (t)) \
  X(LLVMTypeRef, LLVMGetElementType, (LLVMTypeRef t), (t)) \
  X(unsigned, LLVMGetVectorSize, (LLVMTypeRef t), (t)) \
  X(unsigned, LLVMGetIntTypeWidth, (LLVMTypeRef t), (t)) \
  X(LLVMValueRef, LLVMConstInt, (LLVMTypeRef t, unsigned long long v, LLVMBool s), (t, v, s)) \
  X(LLVMValueRef, LLVMConstReal, (LLVMTypeRef t, double v), (t, v)) \
  X(LLVMValueRef, LLVMConstNull, (LLVMTypeRef t), (t)) \
  X(LLVMValueRef, LLVMConstVector, (LLVMValueRef *v, unsigned n), (v, n)) \
  X(LLVMValueRef, LLVMGetPoison, (LLVMTypeRef t), (t)) \
  X(LLVMValueRef, LLVMConstBitCast, (LLVMValueRef v, LLVMTypeRef t), (v, t)) \
  MARS_LLVM_BINARY(X, LLVMBuildAdd) \
  MARS_LLVM_BINARY(X, LLVMBuildSub) \
  MARS_LLVM_BINARY(X, LLVMBuildMul) \
  MARS_LLVM_BINARY(X, LLVMBuildUDiv) \
  MARS_LLVM_BINARY(X, LLVMBuildSDiv) \
  MARS_LLVM_BINARY(X, LLVMBuildURem) \
  MARS_LLVM_BINARY(X, LLVMBuildSRem) \
  MARS_LLVM_BINARY(X, LLVMBuildShl) \
  MARS_LLVM_BINARY(X, LLVMBuildLShr) \
  MARS_LLVM_BINARY(X, LLVMBuildAShr) \
  MARS_LLVM_BINARY(X, LLVMBuildAnd) \
  MARS_LLVM_BINARY(X, LLVMBuildOr) \
  MARS_LLVM_BINARY(X, LLVMBuildXor) \
  MARS_LLVM_BINARY(X, LLVMBuildFAdd) \
  MARS_LLVM_BINARY(X, LLVMBuildFSub) \
  MARS_LLVM_BINARY(X, LLVMBuildFMul) \
  MARS_LLVM_BINARY(X, LLVMBuildFDiv) \
  X(LLVMValueRef, LLVMBuildFNeg, (LLVMBuilderRef b, LLVMValueRef v, const char *n), (b, v, n)) \
  X(LLVMValueRef, LLVMBuildICmp, (LLVMBuilderRef b, int p, LLVMValueRef l, LLVMValueRef r, const char *n), (b, p, l, r, n)) \
  X(LLVMValueRef, LLVMBuildFCmp, (LLVMBuilderRef b, int p, LLVMValueRef l, LLVMValueRef r, const char *n), (b, p, l, r, n)) \
  X(LLVMValueRef, LLVMBuildSelect, (LLVMBuilderRef b, LLVMValueRef c, LLVMValueRef x, LLVMValueRef y, const char *n), (b, c, x, y, n)) \
  X(LLVMValueRef, LLVMBuildPhi, (LLVMBuilderRef b, LLVMTypeRef t, const char *n), (b, t, n)) \
  V(LLVMAddIncoming, (LLVMValueRef p, LLVMValueRef *v, LLVMBasicBlockRef *b, unsigned n), (p, v, b, n)) \
  X(LLVMValueRef, LLVMBuildBr, (LLVMBuilderRef b, LLVMBasicBlockRef d), (b, d)) \
  X(LLVMValueRef, LLVMBuildCondBr, (LLVMBuilderRef b, LLVMValueRef c, LLVMBasicBlockRef x, LLVMBasicBlockRef y), (b, c, x, y)) \
  X(LLVMValueRef, LLVMBuildRetVoid, (LLVMBuilderRef b), (b)) \
  X(LLVMValueRef, LLVMBuildLoad2, (LLVMBuilderRef b, LLVMTypeRef t, LLVMValueRef p, const char *n), (b, t, p, n)) \
  X(LLVMValueRef, LLVMBuildStore, (LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef p), (b, v, p)) \
  V(LLVMSetAlignment, (LLVMValueRef v, unsigned bytes), (v, bytes)) \
  X(LLVMValueRef, LLVMBuildGEP2, (LLVMBuilderRef b, LLVMTypeRef t, LLVMValueRef p, LLVMValueRef *i, unsigned k, const char *n), (b, t, p, i, k, n)) \
  X(LLVMValueRef, LLVMBuildAlloca, (LLVMBuilderRef b, LLVMTypeRef t, const char *n), (b, t, n)) \
  X(LLVMValueRef, LLVMBuildArrayAlloca, (LLVMBuilderRef b, LLVMTypeRef t, LLVMValueRef v, const char *n), (b, t, v, n)) \
  X(LLVMValueRef, LLVMBuildExtractElement, (LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef i, const char *n), (b, v, i, n)) \
  X(LLVMValueRef, LLVMBuildInsertElement, (LLVMBuilderRef b, LLVMValueRef v, LLVMValueRef e, LLVMValueRef i, const char *n), (b, v, e, i, n)) \
  X(LLVMValueRef, LLVMBuildShuffleVector, (LLVMBuilderRef b, LLVMValueRef x, LLVMValueRef y, LLVMValueRef m, const char *n), (b, x, y, m, n)) \
  MARS_LLVM_CAST(X, LLVMBuildTrunc) \
  MARS_LLVM_CAST(X, LLVMBuildZExt) \
  MARS_LLVM_CAST(X, LLVMBuildSExt) \
  MARS_LLVM_CAST(X, LLVMBuildFPToSI) \
  MARS_LLVM_CAST(X, LLVMBuildFPToUI) \
  MARS_LLVM_CAST(X, LLVMBuildSIToFP) \
  MARS_LLVM_CAST(X, LLVMBuildUIToFP) \
  MARS_LLVM_CAST(X, LLVMBuildFPTrunc) \
  MARS_LLVM_CAST(X, LLVMBuildFPExt) \
  MARS_LLVM_CAST(X, LLVMBuildBitCast) \
  MARS_LLVM_CAST(X, LLVMBuildIntToPtr) \
  MARS_LLVM_CAST(X, LLVMBuildPtrToInt) \
  X(LLVMValueRef, LLVMBuildFreeze, (LLVMBuilderRef b, LLVMValueRef v, const char *n), (b, v, n)) \
  X(LLVMValueRef, LLVMBuildCall2, (LLVMBuilderRef b, LLVMTypeRef t, LLVMValueRef f, LLVMValueRef *a, unsigned k, const char *n), (b, t, f, a, k, n)) \
  X(unsigned, LLVMLookupIntrinsicID, (const char *n, size_t len), (n, len)) \
  X(LLVMValueRef, LLVMGetIntrinsicDeclaration, (LLVMModuleRef m, unsigned id, LLVMTypeRef *t, size_t k), (m, id, t, k)) \
  X(LLVMTypeRef, LLVMIntrinsicGetType, (LLVMContextRef c, unsigned id, LLVMTypeRef *t, size_t k), (c, id, t, k)) \
  X(unsigned, LLVMGetMDKindIDInContext, (LLVMContextRef c, const char *n, unsigned len), (c, n, len)) \
  X(LLVMValueRef, LLVMMDNodeInContext, (LLVMContextRef c, LLVMValueRef *v, unsigned k), (c, v, k)) \
  V(LLVMSetMetadata, (LLVMValueRef v, unsigned kind, LLVMValueRef node), (v, kind, node)) \
  X(unsigned, LLVMGetEnumAttributeKindForName, (const char *n, size_t len), (n, len)) \
  X(LLVMAttributeRef, LLVMCreateEnumAttribute, (LLVMContextRef c, unsigned kind, uint64_t v), (c, kind, v)) \
  X(LLVMAttributeRef, LLVMCreateStringAttribute, (LLVMContextRef c, const char *k, unsigned kl, const char *v, unsigned vl), (c, k, kl, v, vl)) \
  V(LLVMAddAttributeAtIndex, (LLVMValueRef f, unsigned i, LLVMAttributeRef a), (f, i, a)) \
  X(LLVMPassBuilderOptionsRef, LLVMCreatePassBuilderOptions, (void), ()) \
  V(LLVMDisposePassBuilderOptions, (LLVMPassBuilderOptionsRef o), (o)) \
  X(LLVMErrorRef, LLVMRunPasses, (LLVMModuleRef m, const char *p, LLVMTargetMachineRef t, LLVMPassBuilderOptionsRef o), (m, p, t, o)) \
  X(char *, LLVMGetErrorMessage, (LLVMErrorRef e), (e)) \
  V(LLVMDisposeErrorMessage, (char *m), (m)) \
  V(LLVMInitializeX86TargetInfo, (void), ()) \
  V(LLVMInitializeX86Target, (void), ()) \
  V(LLVMInitializeX86TargetMC, (void), ()) \
  V(LLVMInitializeX86AsmPrinter, (void), ()) \
  X(char *, LLVMGetDefaultTargetTriple, (void), ()) \
  X(LLVMBool, LLVMGetTargetFromTriple, (const char *triple, LLVMTargetRef *t, char **message), (triple, t, message)) \
  X(char *, LLVMGetHostCPUName, (void), ()) \
  X(char *, LLVMGetHostCPUFeatures, (void), ()) \
  X(LLVMTargetMachineRef, LLVMCreateTargetMachine, (LLVMTargetRef t, const char *triple, const char *cpu, const char *features, int level, int reloc, int model), (t, triple, cpu, features, level, reloc, model)) \
  V(LLVMDisposeTargetMachine, (LLVMTargetMachineRef t), (t)) \
  X(LLVMTargetDataRef, LLVMCreateTargetDataLayout, (LLVMTargetMachineRef t), (t)) \
  X(LLVMBool, LLVMTargetMachineEmitToMemoryBuffer, (LLVMTargetMachineRef t, LLVMModuleRef m, int kind, char **message, LLVMMemoryBufferRef *out), (t, m, kind, message, out)) \
  X(const char *, LLVMGetBufferStart, (LLVMMemoryBufferRef b), (b)) \
  X(size_t, LLVMGetBufferSize, (LLVMMemoryBufferRef b), (b)) \
  V(LLVMDisposeMemoryBuffer, (LLVMMemoryBufferRef b), (b)) \
  V(LLVMGetVersion, (unsigned *major, unsigned *minor, unsigned *patch), (major, minor, patch))

#define MARS_LLVM_FIELD(R, N, P, A) R (*N) P;
#define MARS_LLVM_FIELD_V(N, P, A) void (*N) P;
struct mars_llvm_table {
  MARS_LLVM_FUNCTIONS(MARS_LLVM_FIELD, MARS_LLVM_FIELD_V)
};
extern struct mars_llvm_table mars_llvm;

#define MARS_LLVM_INLINE(R, N, P, A) static inline R N P { return mars_llvm.N A; }
#define MARS_LLVM_INLINE_V(N, P, A) static inline void N P { mars_llvm.N A; }
MARS_LLVM_FUNCTIONS(MARS_LLVM_INLINE, MARS_LLVM_INLINE_V)

/* Fills the table.  Returns NULL, or a static sentence that says what is missing.  Any thread, any number of times. */
const char *mars_llvm_load(void);

/* Functions that kernels call through the table mars_math_table; the numbers are part of compiled code. */
enum mars_math_index {
  MARS_MATH_REM_PIO2 = 0, /* int64 (*)(double x, double out[2]) */
  MARS_MATH_FMOD = 1,     /* double (*)(double, double) */
  MARS_MATH_FIRST_SLEEF = 8 /* then per function: 1, 4 (AVX2) and 8 (AVX-512) doubles */
};
enum mars_sleef_function {
  MARS_SLEEF_TAN, MARS_SLEEF_ASIN, MARS_SLEEF_ACOS, MARS_SLEEF_ATAN, MARS_SLEEF_CBRT, MARS_SLEEF_POW, MARS_SLEEF_ATAN2, MARS_SLEEF_COUNT
};
extern void *mars_math_table[MARS_MATH_FIRST_SLEEF + 3 * MARS_SLEEF_COUNT];
static inline int64_t mars_math_table_address(void) { return (int64_t)(uintptr_t)mars_math_table; }

/* Loads SLEEF's functions.  Returns NULL or a sentence. */
const char *mars_sleef_load(void);

/* x - n*pi/2 as out[0] + out[1] for any finite x; returns n modulo 4. */
int64_t mars_rem_pio2(double x, double out[2]);

/* What this processor and its system offer to machine code, as 12 words of CPUID and XCR0: equal words, equal code.  Needs no LLVM.
 * Returns 0 where the processor lacks AVX2, FMA or F16C, 4 where it has them, 8 where it has AVX-512 F, DQ, BW and VL too. */
int mars_processor(uint32_t words[12]);

/* Calls machine code. */
static inline void mars_kernel_call(const void *code, const int64_t *arguments) { ((void (*)(const int64_t *))(uintptr_t)code)(arguments); }

#endif
