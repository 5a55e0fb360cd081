import MarsBase

/// A value of a program under construction.
package struct ExprRef: Hashable, Sendable {
  package let number: Int32
  package init(_ number: Int32) { self.number = number }
}

/// Element index of a virtual tensor as an affine function of the iteration space: base + sum of stride[axis] * coordinate[axis].
package struct Counter: Hashable, Sendable {
  package var base: Int
  package var strides: [Int]
  package init(base: Int, strides: [Int]) {
    self.base = base
    self.strides = strides
  }
}

/// Writes scalar programs, so that operators state their mathematics once for all dtypes.
///
/// Half types are computed in float32 and rounded after every operation; complex operations are written out in their parts; equal
/// instructions are shared.  The planner sets `frame` before it calls an operator's body.
package struct ExprBuilder: Sendable {
  /// Where the node whose body is being written lies in the iteration space.
  package struct Frame: Sendable {
    /// Shape of the node's index space.
    package var shape: [Int]
    /// From iteration axes to the node's axes.
    package var map: AxisMap
    /// Number of iteration axes.
    package var rank: Int
    package init(shape: [Int], map: AxisMap, rank: Int) {
      self.shape = shape
      self.map = map
      self.rank = rank
    }
  }

  /// An attribute of a node.
  package struct Source: Hashable, Sendable {
    package var owner: Int32
    package var attribute: Int
  }

  package private(set) var insts: [Inst] = []
  private var known: [Inst: Int32] = [:]
  package var frame: Frame
  /// Which node's body is being written: the planner's number of it.
  package var owner: Int32 = -1
  /// Arguments collected so far, shared by all levels of a kernel.
  package private(set) var scalars: [Scalar] = []
  /// Per scalar, the attribute whose value it is; nil for what operators work out.
  package private(set) var sources: [Source?] = []
  package private(set) var counters: [Counter] = []

  package init(frame: Frame) { self.frame = frame }

  /// Ends the program of a level and starts the next one; arguments stay.
  package mutating func takeProgram() -> Expr {
    let e = Expr(insts)
    insts = []
    known = [:]
    return e
  }

  // MARK: Leaves

  @discardableResult
  package mutating func emit(_ i: Inst) -> ExprRef {
    if let n = known[i] { return ExprRef(n) }
    let n = Int32(insts.count)
    insts.append(i)
    known[i] = n
    return ExprRef(n)
  }

  package func type(_ x: ExprRef) -> DType { insts[Int(x.number)].type }

  package mutating func input(_ slot: Int, _ dtype: DType) -> ExprRef { emit(Inst(.input, dtype, imm: UInt64(slot))) }
  package mutating func reduced(_ state: Int, _ dtype: DType) -> ExprRef { emit(Inst(.reduced, dtype, imm: UInt64(state))) }

  /// A value that is passed at the call: programs that differ only in it are the same kernel.
  package mutating func scalar(_ s: Scalar) -> ExprRef { scalar(s, nil) }

  /// The value of an attribute that is declared as an argument (`AttrDef.isArgument`), as number of dtype `dtype` or as it is.
  ///
  /// Plans are shared by graphs that differ in it, so that an operator may ask for it in no other way.
  package mutating func argument(_ name: String, _ c: OpContext, as dtype: DType? = nil) -> ExprRef {
    guard let i = c.op.attributeIndex(name), c.op.attributes[i].isArgument, let s = c.attributes.values[i].scalar(as: dtype) else {
      preconditionFailure("operator '\(c.op.name)' declares no argument '\(name)'")
    }
    return scalar(s, Source(owner: owner, attribute: i))
  }

  /// Values of different sources are different arguments, also where they are equal today.
  private mutating func scalar(_ s: Scalar, _ source: Source?) -> ExprRef {
    let slot: Int
    if let i = scalars.indices.first(where: { sources[$0] == source && scalars[$0] == s }) {
      slot = i
    } else {
      slot = scalars.count
      scalars.append(s)
      sources.append(source)
    }
    return emit(Inst(.scalar, s.dtype, imm: UInt64(slot)))
  }

  /// A value that is part of the kernel.
  package mutating func constant(_ t: DType, _ v: Double) -> ExprRef {
    if t.isComplex {
      let re = constant(t.realPart, v)
      let im = constant(t.realPart, 0)
      return emit(Inst(.makeComplex, t, re.number, im.number))
    }
    return emit(Inst(.constant, t, imm: Scalar(v).cast(to: t).low))
  }
  package mutating func constant(_ t: DType, bits: UInt64) -> ExprRef { emit(Inst(.constant, t, imm: bits)) }

  /// C-order index of the element in the current node; int64.
  package mutating func elementIndex() -> ExprRef {
    linearIndex(strides: Shape.rowMajorStrides(frame.shape))
  }
  /// Index of the element along one axis of the current node; int64.
  package mutating func coordinate(_ axis: Int) -> ExprRef {
    var s = [Int](repeating: 0, count: frame.shape.count)
    s[axis] = 1
    return linearIndex(strides: s)
  }
  /// Sum of stride[axis] * index[axis] over the axes of the current node; int64.
  package mutating func linearIndex(strides: [Int]) -> ExprRef {
    var c = Counter(base: 0, strides: [Int](repeating: 0, count: frame.rank))
    for (axis, a) in frame.map.axes.enumerated() {
      switch a {
      case .aligned(let k, let start, let step):
        c.base += strides[axis] * start
        c.strides[k] += strides[axis] * step
      case .fixed(let i): c.base += strides[axis] * i
      case .contracted, .whole: preconditionFailure("a frame is affine")
      }
    }
    let slot: Int
    if let i = counters.firstIndex(of: c) {
      slot = i
    } else {
      slot = counters.count
      counters.append(c)
    }
    return emit(Inst(.element, .int64, imm: UInt64(slot)))
  }

  /// A Philox word of the current element; `width` is 32 or 64 bits.
  package mutating func philox(key: ExprRef, stream: ExprRef, attempt: UInt32 = 0, width: Int) -> ExprRef {
    let e = elementIndex()
    return emit(Inst(.philox, width == 64 ? .uint64 : .uint32, e.number, key.number, stream.number, imm: UInt64(attempt)))
  }

  // MARK: Structure

  package mutating func cast(_ x: ExprRef, _ t: DType) -> ExprRef {
    type(x) == t ? x : emit(Inst(.cast, t, x.number))
  }
  package mutating func bitcast(_ x: ExprRef, _ t: DType) -> ExprRef {
    type(x) == t ? x : emit(Inst(.bitcast, t, x.number))
  }
  package mutating func select(_ condition: ExprRef, _ a: ExprRef, _ b: ExprRef) -> ExprRef {
    a == b ? a : emit(Inst(.select, type(a), condition.number, a.number, b.number))
  }
  package mutating func complex(_ re: ExprRef, _ im: ExprRef) -> ExprRef {
    emit(Inst(.makeComplex, type(re) == .float32 ? .complex64 : .complex128, re.number, im.number))
  }
  package mutating func real(_ x: ExprRef) -> ExprRef {
    let i = insts[Int(x.number)]
    if i.op == .makeComplex { return ExprRef(i.a) }
    return i.type.isComplex ? emit(Inst(.real, i.type.realPart, x.number)) : x
  }
  package mutating func imag(_ x: ExprRef) -> ExprRef {
    let i = insts[Int(x.number)]
    if i.op == .makeComplex { return ExprRef(i.b) }
    return i.type.isComplex ? emit(Inst(.imag, i.type.realPart, x.number)) : constant(i.type, 0)
  }

  // MARK: Real operations with the half types rounded after each

  /// One instruction on operands of one dtype, result of that dtype.
  package mutating func op(_ o: ExprOp, _ a: ExprRef, _ b: ExprRef? = nil, _ c: ExprRef? = nil) -> ExprRef {
    let t = type(a)
    if t.isHalf {
      let wide = { (me: inout ExprBuilder, x: ExprRef?) -> Int32 in
        guard let x else { return -1 }
        return me.type(x).isHalf ? me.cast(x, .float32).number : x.number
      }
      let r = emit(Inst(o, .float32, wide(&self, a), wide(&self, b), wide(&self, c)))
      return cast(r, t)
    }
    return emit(Inst(o, t, a.number, b?.number ?? -1, c?.number ?? -1))
  }

  /// One instruction on operands of one dtype with a result of dtype `result`.
  package mutating func op(_ o: ExprOp, as result: DType, _ a: ExprRef, _ b: ExprRef? = nil) -> ExprRef {
    var (x, y) = (a, b)
    if type(a).isHalf {
      x = cast(a, .float32)
      if let b { y = cast(b, .float32) }
    }
    return emit(Inst(o, result, x.number, y?.number ?? -1))
  }

  // MARK: Arithmetic on every dtype

  package mutating func add(_ a: ExprRef, _ b: ExprRef) -> ExprRef {
    switch type(a).kind {
    case .bool: return op(.or, a, b)
    case .complex:
      let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
      return complex(op(.add, ar, br), op(.add, ai, bi))
    default: return op(.add, a, b)
    }
  }
  package mutating func sub(_ a: ExprRef, _ b: ExprRef) -> ExprRef {
    switch type(a).kind {
    case .bool: return op(.xor, a, b)
    case .complex:
      let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
      return complex(op(.sub, ar, br), op(.sub, ai, bi))
    default: return op(.sub, a, b)
    }
  }
  package mutating func mul(_ a: ExprRef, _ b: ExprRef) -> ExprRef {
    switch type(a).kind {
    case .bool: return op(.and, a, b)
    case .complex:
      let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
      let re = sub(op(.mul, ar, br), op(.mul, ai, bi))
      let im = add(op(.mul, ar, bi), op(.mul, ai, br))
      return complex(re, im)
    default: return op(.mul, a, b)
    }
  }
  /// True division of floating or complex values; complex by Smith's method, as NumPy does.
  package mutating func div(_ a: ExprRef, _ b: ExprRef) -> ExprRef {
    guard type(a).isComplex else { return op(.div, a, b) }
    let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
    let (mr, mi) = (op(.abs, br), op(.abs, bi))
    let zero = constant(type(br), 0)
    let one = constant(type(br), 1)
    let byReal = op(.le, as: .bool, mi, mr)
    let bothZero = op(.and, op(.eq, as: .bool, mr, zero), op(.eq, as: .bool, mi, zero))
    // |br| >= |bi|
    let r1 = op(.div, bi, br)
    let s1 = op(.div, one, op(.add, br, op(.mul, bi, r1)))
    let re1 = op(.mul, op(.add, ar, op(.mul, ai, r1)), s1)
    let im1 = op(.mul, op(.sub, ai, op(.mul, ar, r1)), s1)
    // |br| < |bi|, or NaN
    let r2 = op(.div, br, bi)
    let s2 = op(.div, one, op(.add, bi, op(.mul, br, r2)))
    let re2 = op(.mul, op(.add, op(.mul, ar, r2), ai), s2)
    let im2 = op(.mul, op(.sub, op(.mul, ai, r2), ar), s2)
    let re = select(bothZero, op(.div, ar, mr), select(byReal, re1, re2))
    let im = select(bothZero, op(.div, ai, mr), select(byReal, im1, im2))
    return complex(re, im)
  }
  package mutating func neg(_ a: ExprRef) -> ExprRef {
    guard type(a).isComplex else { return op(.neg, a) }
    let (re, im) = (real(a), imag(a))
    return complex(op(.neg, re), op(.neg, im))
  }
  /// |a|; of a complex value a real number.
  package mutating func abs(_ a: ExprRef) -> ExprRef {
    switch type(a).kind {
    case .bool, .unsigned: return a
    case .complex:
      let (re, im) = (real(a), imag(a))
      return op(.hypot, re, im)
    default: return op(.abs, a)
    }
  }

  // MARK: Comparison and logic

  package mutating func eq(_ a: ExprRef, _ b: ExprRef) -> ExprRef {
    guard type(a).isComplex else { return op(.eq, as: .bool, a, b) }
    let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
    return op(.and, op(.eq, as: .bool, ar, br), op(.eq, as: .bool, ai, bi))
  }
  package mutating func ne(_ a: ExprRef, _ b: ExprRef) -> ExprRef {
    guard type(a).isComplex else { return op(.ne, as: .bool, a, b) }
    let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
    return op(.or, op(.ne, as: .bool, ar, br), op(.ne, as: .bool, ai, bi))
  }
  /// a < b; complex values lexicographically, as NumPy does.
  package mutating func lt(_ a: ExprRef, _ b: ExprRef) -> ExprRef { lexicographic(.lt, a, b) }
  package mutating func le(_ a: ExprRef, _ b: ExprRef) -> ExprRef { lexicographic(.le, a, b) }

  private mutating func lexicographic(_ o: ExprOp, _ a: ExprRef, _ b: ExprRef) -> ExprRef {
    guard type(a).isComplex else { return op(o, as: .bool, a, b) }
    let (ar, ai, br, bi) = (real(a), imag(a), real(b), imag(b))
    let noNaN = op(.not, op(.or, op(.isNaN, as: .bool, ai), op(.isNaN, as: .bool, bi)))
    let less = op(.and, op(.lt, as: .bool, ar, br), noNaN)
    let tie = op(.and, op(.eq, as: .bool, ar, br), op(o, as: .bool, ai, bi))
    return op(.or, less, tie)
  }

  package mutating func isNaN(_ a: ExprRef) -> ExprRef {
    switch type(a).kind {
    case .floating: return op(.isNaN, as: .bool, a)
    case .complex:
      let (re, im) = (real(a), imag(a))
      return op(.or, op(.isNaN, as: .bool, re), op(.isNaN, as: .bool, im))
    default: return constant(.bool, 0)
    }
  }
  package mutating func not(_ a: ExprRef) -> ExprRef { op(.not, a) }
  package mutating func and(_ a: ExprRef, _ b: ExprRef) -> ExprRef { op(.and, a, b) }
  package mutating func or(_ a: ExprRef, _ b: ExprRef) -> ExprRef { op(.or, a, b) }
  /// a != 0.
  package mutating func truth(_ a: ExprRef) -> ExprRef { cast(a, .bool) }
}
