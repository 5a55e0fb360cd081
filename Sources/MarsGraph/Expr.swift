import MarsBase

/// The operations of the scalar expression IR.  Each defines all inputs as NumPy does; the emitter may not rely on undefined behaviour of LLVM.
///
/// Unless said otherwise operands and result have the instruction's dtype `type`, which is never a half type (see `ExprBuilder`)
/// except for `.input`, `.constant`, `.scalar`, `.cast`, `.select`, `.bitcast` and `.reduced`.
package enum ExprOp: UInt8, Sendable, CaseIterable {
  // Leaves.  `imm` is an index or bits.
  /// Element of kernel input `imm`; `type` is that input's dtype.
  case input = 0
  /// Scalar argument `imm`, passed at the call, so that its value is not part of the kernel.
  case scalar
  /// Compile-time constant with bits `imm`; real dtypes only.
  case constant
  /// Linear element index (C order) of virtual tensor `imm` of `KernelSpec.counters`; type int64.
  case element
  /// State `imm` of the reducers of the level below; valid in levels above 0.
  case reduced

  // Arithmetic on integers (wrapping) and real floats.  bool is not arithmetic: the builder maps it to and/or/xor.
  case add, sub, mul
  /// True division; floats only.
  case div
  /// Division rounded towards minus infinity.  Integers: x // 0 == 0, MIN // -1 == MIN.  Floats: NumPy's npy_floor_divide.
  case floorDiv
  /// Python's remainder, sign of the divisor.  Integers: x % 0 == 0, MIN % -1 == 0.  Floats: NumPy's npy_remainder.
  case mod
  /// C's fmod, sign of the dividend.  Integers: x fmod 0 == 0.
  case fmod
  /// Floats: IEEE pow.  Integers: repeated multiplication (wrapping); a negative exponent gives what NumPy's loop gives for bases 1 and -1, else 0.
  case pow
  case neg
  /// |x|; |MIN| == MIN.  Real dtypes only.
  case abs
  /// Fused multiply-add a*b+c: the only place where the emitter may contract.  Floats only.
  case fma
  /// NaN-propagating minimum and maximum; of -0.0 and 0.0 either may come.
  case min, max
  /// NaN-ignoring minimum and maximum.  Floats only.
  case fmin, fmax

  // Comparisons.  Operands have the dtype of operand `a` (any real dtype or bool); `type` is bool.
  case eq, ne, lt, le

  // Bits; integers and bool (`not` of bool is logical).
  case and, or, xor, not
  /// Shifts; a count >= width (or negative, seen as unsigned) gives 0, or for signed `shr` the sign in all bits.
  case shl, shr
  /// Upper half of the full product; unsigned 32 and 64 bits.
  case mulHigh
  /// Number of one bits of |x|; `type` is uint8 and the operand any integer.
  case popcount

  // Real float functions of one argument.  At most 2 ULP, special values as NumPy's.
  case sqrt, cbrt
  case exp, exp2, expm1
  case log, log2, log10, log1p
  case sin, cos, tan, asin, acos, atan
  case sinh, cosh, tanh, asinh, acosh, atanh
  /// `rint` rounds half to even.
  case floor, ceil, trunc, rint
  /// frexp's fraction (`type` float) and exponent (`type` int32, operand any real float).
  case frexpFraction, frexpExponent
  /// Distance to the next larger value in magnitude: numpy.spacing.
  case spacing

  // Real float functions of two arguments.
  case atan2, hypot, copysign, nextafter
  /// a * 2**b; b has dtype int32.
  case ldexp

  // Classification; operand any real float, `type` bool.
  case isNaN, isInf, isFinite, signBit

  // Structure.
  /// c ? a : b with `c` bool; here operands are (a: condition, b: if true, c: if false).  Any dtype, complex too.
  case select
  /// NumPy's astype between any two dtypes.  Float to integer: truncation; out of range and NaN give what x86's cvttsd2si chain gives, defined as
  /// `Scalar.cast` says.  Complex to real drops the imaginary part; to bool tests both parts.
  case cast
  /// Same bits, other dtype of the same size.
  case bitcast
  /// (re, im) -> complex; `type` complex.
  case makeComplex
  /// Parts of a complex value; `type` its real part dtype.
  case real, imag

  /// Word of Philox4x32-10.  a: int64 element index, b: uint64 key (scalar), c: uint32 stream (scalar); `imm`: attempt.
  /// `type` uint64: element e reads block g*8 + e%8 with g = e/16, words (0,1) of the block if e%16 < 8 else words (2,3), low word first.
  /// `type` uint32: element e reads block g*8 + e%8 with g = e/32, word (e%32)/8.
  /// Block counter words: (block low 32, block high 32, stream, attempt); key words: (key low, key high).
  case philox
}

/// One instruction: the result of instruction number i is value i.
package struct Inst: Hashable, Sendable {
  package var op: ExprOp
  package var type: DType
  /// Operands as value numbers, -1 where absent.
  package var a: Int32
  package var b: Int32
  package var c: Int32
  /// Index or bits, as `op` says.
  package var imm: UInt64

  package init(_ op: ExprOp, _ type: DType, _ a: Int32 = -1, _ b: Int32 = -1, _ c: Int32 = -1, imm: UInt64 = 0) {
    self.op = op
    self.type = type
    self.a = a
    self.b = b
    self.c = c
    self.imm = imm
  }
}

/// A straight-line program in SSA form.
package struct Expr: Hashable, Sendable {
  package var insts: [Inst]
  package init(_ insts: [Inst] = []) { self.insts = insts }
}

/// How the values of one level are combined over its reduced axes.
package enum ReduceKind: UInt8, Sendable {
  case sum, prod
  /// NaN-propagating, as numpy.min and numpy.max.
  case min, max
  /// NaN-ignoring, as numpy.fmin.reduce.
  case fmin, fmax
  /// bool or integers.
  case and, or, xor
  /// Two states: value and int64 index.  The first NaN wins, else the first extreme value (smallest index).
  case argmin, argmax
}

/// One reduction of a level; its states are values `.reduced` of the next level, in the order of reducers and their states.
package struct Reducer: Hashable, Sendable {
  package var kind: ReduceKind
  /// Value of the level's program that is combined; the accumulator has its dtype (never a half type).
  package var value: Int32
  /// For argmin and argmax: int64 value that names the element; else -1.
  package var index: Int32
  package init(_ kind: ReduceKind, value: Int32, index: Int32 = -1) {
    self.kind = kind
    self.value = value
    self.index = index
  }
  package var stateCount: Int { kind == .argmin || kind == .argmax ? 2 : 1 }
}

/// One level of a loop nest: a program evaluated for every point of the axes that are left, then reduced over some of them.
package struct KernelLevel: Hashable, Sendable {
  package var program: Expr
  package var reducers: [Reducer]
  /// Axes over which this level's reducers run; they do not exist in the levels above.  Empty exactly in the last level.
  package var reducedAxes: [Int]
  package init(program: Expr, reducers: [Reducer] = [], reducedAxes: [Int] = []) {
    self.program = program
    self.reducers = reducers
    self.reducedAxes = reducedAxes
  }
}

/// A result of a kernel: value `value` of level `level`, stored at every point of the axes that exist there.
package struct KernelOutput: Hashable, Sendable {
  package var level: Int
  package var value: Int32
  package var dtype: DType
  package init(level: Int, value: Int32, dtype: DType) {
    self.level = level
    self.value = value
    self.dtype = dtype
  }
}

/// A fused loop nest without sizes: what the planner hands to the JIT and what kernels are cached by.
///
/// The nest runs over `axisCount` axes, outermost first (C order of the iteration space).  Level 0 is the innermost: its program sees all axes.
/// Inputs, counters and outputs are addressed by one stride per axis; an input of level n has stride 0 along axes reduced below n.
package struct KernelSpec: Hashable, Sendable {
  package var axisCount: Int
  package var levels: [KernelLevel]
  /// dtypes in memory of the inputs.
  package var inputs: [DType]
  /// Number of virtual tensors whose element index is a value (`.element`).
  package var counterCount: Int
  /// dtypes of scalar arguments.
  package var scalars: [DType]
  package var outputs: [KernelOutput]

  package init(axisCount: Int, levels: [KernelLevel], inputs: [DType], counterCount: Int, scalars: [DType], outputs: [KernelOutput]) {
    self.axisCount = axisCount
    self.levels = levels
    self.inputs = inputs
    self.counterCount = counterCount
    self.scalars = scalars
    self.outputs = outputs
  }
}
