import CLLVM
import MarsBase

/// An SSA value of LLVM together with the builder that extends its function: the operators below emit instructions.
///
/// A value is a scalar or a vector of lanes; a scalar met by a vector is splatted.
struct IRValue {
  unowned(unsafe) let b: Builder
  let ref: OpaquePointer

  var type: OpaquePointer { LLVMTypeOf(ref) }
  var isVector: Bool { LLVMGetTypeKind(type) == 13 }
  var lanes: Int { isVector ? Int(LLVMGetVectorSize(type)) : 1 }
  /// The type of one lane.
  var element: OpaquePointer { isVector ? LLVMGetElementType(type) : type }
  /// Bits of one lane of integer or float type.
  var bits: Int {
    let t = element
    switch LLVMGetTypeKind(t) {
    case 1: return 16
    case 2: return 32
    case 3: return 64
    default: return Int(LLVMGetIntTypeWidth(t))
    }
  }

  /// The constant `d` in this value's float type and lanes.
  func real(_ d: Double) -> IRValue { IRValue(b: b, ref: LLVMConstReal(type, d)) }
  /// The integer constant `i` in this value's type and lanes.
  func int(_ i: Int) -> IRValue { word(UInt64(bitPattern: Int64(i))) }
  func word(_ w: UInt64) -> IRValue { b.constant(w, element, lanes: lanes) }

  func splat(_ lanes: Int) -> IRValue { lanes == 1 || isVector ? self : b.splat(self, lanes) }
}

enum IntPredicate: Int32 {
  case eq = 32
  case ne, ugt, uge, ult, ule, sgt, sge, slt, sle
}
enum FloatPredicate: Int32 {
  case oeq = 1
  case ogt, oge, olt, ole, one, ord, uno, ueq, ugt, uge, ult, ule, une
}

/// The function being emitted and the LLVM objects it needs.
final class Builder {
  let context: OpaquePointer
  let module: OpaquePointer
  let b: OpaquePointer
  private(set) var function: OpaquePointer
  private(set) var entry: OpaquePointer
  /// Vector lanes of the processor for doubles: 8 or 4.
  let nativeDoubles: Int

  let i1: OpaquePointer
  let i8: OpaquePointer
  let i16: OpaquePointer
  let i32: OpaquePointer
  let i64: OpaquePointer
  let half: OpaquePointer
  let f32: OpaquePointer
  let f64: OpaquePointer
  let pointer: OpaquePointer

  init(name: String, nativeDoubles: Int) {
    self.nativeDoubles = nativeDoubles
    context = LLVMContextCreate()
    module = LLVMModuleCreateWithNameInContext(name, context)
    b = LLVMCreateBuilderInContext(context)
    i1 = LLVMIntTypeInContext(context, 1)
    i8 = LLVMIntTypeInContext(context, 8)
    i16 = LLVMIntTypeInContext(context, 16)
    i32 = LLVMIntTypeInContext(context, 32)
    i64 = LLVMIntTypeInContext(context, 64)
    half = LLVMHalfTypeInContext(context)
    f32 = LLVMFloatTypeInContext(context)
    f64 = LLVMDoubleTypeInContext(context)
    pointer = LLVMPointerTypeInContext(context, 0)
    var parameters: [OpaquePointer?] = [pointer]
    let type = LLVMFunctionType(LLVMVoidTypeInContext(context), &parameters, 1, 0)
    function = LLVMAddFunction(module, name, type)
    entry = LLVMAppendBasicBlockInContext(context, function, "")
    for attribute in ["nounwind", "nosync"] {
      let kind = LLVMGetEnumAttributeKindForName(attribute, attribute.utf8.count)
      LLVMAddAttributeAtIndex(function, UInt32.max, LLVMCreateEnumAttribute(context, kind, 0))
    }
    if nativeDoubles == 8 {
      for key in ["prefer-vector-width", "min-legal-vector-width"] {
        LLVMAddAttributeAtIndex(function, UInt32.max, LLVMCreateStringAttribute(context, key, UInt32(key.utf8.count), "512", 3))
      }
    }
    LLVMPositionBuilderAtEnd(b, entry)
  }

  deinit {
    LLVMDisposeBuilder(b)
    LLVMDisposeModule(module)
    LLVMContextDispose(context)
  }

  func wrap(_ r: OpaquePointer) -> IRValue { IRValue(b: self, ref: r) }
  func vector(_ t: OpaquePointer, _ lanes: Int) -> OpaquePointer { lanes == 1 ? t : LLVMVectorType(t, UInt32(lanes)) }

  /// The type of a lane that holds a value of `d`; the part's type for complex dtypes.
  func type(_ d: DType) -> OpaquePointer {
    switch d {
    case .bool: i1
    case .int8, .uint8: i8
    case .int16, .uint16, .float16, .bfloat16: i16
    case .int32, .uint32: i32
    case .int64, .uint64: i64
    case .float32, .complex64: f32
    case .float64, .complex128: f64
    }
  }

  // Constants.
  func constant(_ w: UInt64, _ t: OpaquePointer, lanes: Int = 1) -> IRValue {
    let c = LLVMConstInt(t, w, 0)
    if lanes == 1 { return wrap(c!) }
    var all = [OpaquePointer?](repeating: c, count: lanes)
    return wrap(LLVMConstVector(&all, UInt32(lanes)))
  }
  func index(_ i: Int) -> IRValue { wrap(LLVMConstInt(i64, UInt64(bitPattern: Int64(i)), 0)) }
  func constants(_ v: [Int], _ t: OpaquePointer) -> IRValue {
    var all: [OpaquePointer?] = v.map { LLVMConstInt(t, UInt64(bitPattern: Int64($0)), 0) }
    return wrap(LLVMConstVector(&all, UInt32(v.count)))
  }
  func zero(_ t: OpaquePointer) -> IRValue { wrap(LLVMConstNull(t)) }

  // Vectors.
  func splat(_ v: IRValue, _ lanes: Int) -> IRValue {
    let t = LLVMVectorType(v.type, UInt32(lanes))
    let one = LLVMBuildInsertElement(b, LLVMGetPoison(t), v.ref, LLVMConstInt(i32, 0, 0), "")
    return wrap(LLVMBuildShuffleVector(b, one, LLVMGetPoison(t), LLVMConstNull(LLVMVectorType(i32, UInt32(lanes))), ""))
  }
  func extract(_ v: IRValue, _ lane: Int) -> IRValue {
    v.isVector ? wrap(LLVMBuildExtractElement(b, v.ref, LLVMConstInt(i32, UInt64(lane), 0), "")) : v
  }
  func insert(_ v: IRValue, _ e: IRValue, _ lane: Int) -> IRValue {
    wrap(LLVMBuildInsertElement(b, v.ref, e.ref, LLVMConstInt(i32, UInt64(lane), 0), ""))
  }
  func shuffle(_ x: IRValue, _ y: IRValue, _ mask: [Int]) -> IRValue {
    wrap(LLVMBuildShuffleVector(b, x.ref, y.ref, constants(mask, i32).ref, ""))
  }
  func slice(_ v: IRValue, _ from: Int, _ count: Int) -> IRValue {
    if v.lanes == count { return v }
    return shuffle(v, v, Array(from..<from + count))
  }
  func concat(_ x: IRValue, _ y: IRValue) -> IRValue { shuffle(x, y, Array(0..<2 * x.lanes)) }
  /// Joins vectors of equal lanes; behind them may stand copies of the last, so that vectors of equal lanes meet throughout.
  func concat(_ vs: [IRValue]) -> IRValue {
    var vs = vs
    while let last = vs.last, vs.count > 1 {
      if vs.count % 2 == 1 { vs.append(last) }
      vs = (0..<vs.count / 2).map { concat(vs[2 * $0], vs[2 * $0 + 1]) }
    }
    return vs[0]
  }
  func iota(_ lanes: Int) -> IRValue { lanes == 1 ? index(0) : constants(Array(0..<lanes), i64) }

  // Memory.
  func offset(_ p: IRValue, bytes: IRValue) -> IRValue {
    var i: [OpaquePointer?] = [bytes.ref]
    return wrap(LLVMBuildGEP2(b, i8, p.ref, &i, 1, ""))
  }
  func load(_ t: OpaquePointer, _ p: IRValue, align: Int = 1) -> IRValue {
    let v = LLVMBuildLoad2(b, t, p.ref, "")!
    LLVMSetAlignment(v, UInt32(align))
    return wrap(v)
  }
  @discardableResult
  func store(_ v: IRValue, _ p: IRValue, align: Int = 1) -> OpaquePointer {
    let s = LLVMBuildStore(b, v.ref, p.ref)!
    LLVMSetAlignment(s, UInt32(align))
    return s
  }
  /// A stack slot in the entry block; `mem2reg` turns it into SSA values.
  func slot(_ t: OpaquePointer) -> IRValue {
    let here = LLVMGetInsertBlock(b)
    if let end = LLVMGetBasicBlockTerminator(entry) { LLVMPositionBuilderBefore(b, end) } else { LLVMPositionBuilderAtEnd(b, entry) }
    let s = wrap(LLVMBuildAlloca(b, t, ""))
    LLVMPositionBuilderAtEnd(b, here)
    return s
  }
  /// `count` values of type `t` in the frame.
  func buffer(_ t: OpaquePointer, _ count: Int) -> IRValue {
    let here = LLVMGetInsertBlock(b)
    if let end = LLVMGetBasicBlockTerminator(entry) { LLVMPositionBuilderBefore(b, end) } else { LLVMPositionBuilderAtEnd(b, entry) }
    let s = wrap(LLVMBuildArrayAlloca(b, t, LLVMConstInt(i64, UInt64(count), 0), ""))
    LLVMSetAlignment(s.ref, 64)
    LLVMPositionBuilderAtEnd(b, here)
    return s
  }
  /// The address of value `i` of a buffer.
  func element(_ t: OpaquePointer, _ buffer: IRValue, _ i: IRValue) -> IRValue {
    var indices: [OpaquePointer?] = [i.ref]
    return wrap(LLVMBuildGEP2(b, t, buffer.ref, &indices, 1, ""))
  }

  // Calls.
  func intrinsic(_ name: String, _ overloads: [OpaquePointer], _ arguments: [IRValue]) -> IRValue {
    let id = LLVMLookupIntrinsicID(name, name.utf8.count)
    var types: [OpaquePointer?] = overloads
    let f = LLVMGetIntrinsicDeclaration(module, id, &types, types.count)
    var args: [OpaquePointer?] = arguments.map(\.ref)
    return wrap(LLVMBuildCall2(b, LLVMIntrinsicGetType(context, id, &types, types.count), f, &args, UInt32(args.count), ""))
  }
  func call(_ address: IRValue, returns: OpaquePointer, _ arguments: [IRValue]) -> IRValue {
    var types: [OpaquePointer?] = arguments.map(\.type)
    var args: [OpaquePointer?] = arguments.map(\.ref)
    let type = LLVMFunctionType(returns, &types, UInt32(types.count), 0)
    return wrap(LLVMBuildCall2(b, type, address.ref, &args, UInt32(args.count), ""))
  }

  // Control.
  func block() -> OpaquePointer { LLVMAppendBasicBlockInContext(context, function, "") }
  func position(_ block: OpaquePointer) { LLVMPositionBuilderAtEnd(b, block) }
  func branch(_ to: OpaquePointer) { LLVMBuildBr(b, to) }
  func branch(_ condition: IRValue, _ yes: OpaquePointer, _ no: OpaquePointer) { LLVMBuildCondBr(b, condition.ref, yes, no) }
  var here: OpaquePointer { LLVMGetInsertBlock(b) }

  /// for i in stride(from: lower, to: upper, by: step), i an int64.
  func loop(_ lower: IRValue, _ upper: IRValue, step: Int, _ body: (IRValue) throws(MarsError) -> Void) throws(MarsError) {
    let before = here
    let head = block()
    let inside = block()
    let after = block()
    branch(head)
    position(head)
    let i = wrap(LLVMBuildPhi(b, i64, ""))
    branch(icmp(.slt, i, upper), inside, after)
    position(inside)
    try body(i)
    let next = i &+ index(step)
    let last = here
    branch(head)
    var values: [OpaquePointer?] = [lower.ref, next.ref]
    var blocks: [OpaquePointer?] = [before, last]
    LLVMAddIncoming(i.ref, &values, &blocks, 2)
    position(after)
  }

  /// Applies `body` to a tuple of values `count` times.
  func rounds(_ count: Int, _ first: [IRValue], _ body: ([IRValue]) -> [IRValue]) -> [IRValue] {
    let before = here
    let (inside, after) = (block(), block())
    branch(inside)
    position(inside)
    let i = wrap(LLVMBuildPhi(b, i64, ""))
    let current = first.map { wrap(LLVMBuildPhi(b, $0.type, "")) }
    let next = body(current)
    let j = i &+ index(1)
    let last = here
    branch(icmp(.slt, j, index(count)), inside, after)
    for (phi, values) in zip([i] + current, zip([index(0)] + first, [j] + next)) {
      var v: [OpaquePointer?] = [values.0.ref, values.1.ref]
      var from: [OpaquePointer?] = [before, last]
      LLVMAddIncoming(phi.ref, &v, &from, 2)
    }
    position(after)
    return next
  }

  /// for i in lower..<upper, where the body cannot fail.
  func each(_ lower: IRValue, _ upper: IRValue, _ body: (IRValue) -> Void) {
    do throws(MarsError) { try loop(lower, upper, step: 1) { (i) throws(MarsError) in body(i) } } catch { fatalError(error.message) }
  }

  /// Runs `body` only where `condition` holds; it hands results on through slots.
  func when(_ condition: IRValue, _ body: () -> Void) {
    let inside = block()
    let after = block()
    branch(condition, inside, after)
    position(inside)
    body()
    branch(after)
    position(after)
  }

  // Selection and comparison.
  func unify(_ x: IRValue, _ y: IRValue) -> (IRValue, IRValue) {
    let n = max(x.lanes, y.lanes)
    return (x.splat(n), y.splat(n))
  }
  func icmp(_ p: IntPredicate, _ x: IRValue, _ y: IRValue) -> IRValue {
    let (l, r) = unify(x, y)
    return wrap(LLVMBuildICmp(b, p.rawValue, l.ref, r.ref, ""))
  }
  func fcmp(_ p: FloatPredicate, _ x: IRValue, _ y: IRValue) -> IRValue {
    let (l, r) = unify(x, y)
    return wrap(LLVMBuildFCmp(b, p.rawValue, l.ref, r.ref, ""))
  }
  func select(_ c: IRValue, _ x: IRValue, _ y: IRValue) -> IRValue {
    let n = max(c.lanes, x.lanes, y.lanes)
    // A scalar condition over vectors is what LLVM selects best.
    let (l, r) = (x.splat(n), y.splat(n))
    return wrap(LLVMBuildSelect(b, c.ref, l.ref, r.ref, ""))
  }
  func any(_ c: IRValue) -> IRValue { c.isVector ? intrinsic("llvm.vector.reduce.or", [c.type], [c]) : c }
}

typealias BinaryFunction = (OpaquePointer?, OpaquePointer?, OpaquePointer?, UnsafePointer<CChar>?) -> OpaquePointer?

private func emit(_ f: BinaryFunction, _ x: IRValue, _ y: IRValue) -> IRValue {
  let (l, r) = x.b.unify(x, y)
  return x.b.wrap(f(x.b.b, l.ref, r.ref, "")!)
}

/// Floats: `+ - * /`.  Integers (wrapping): `&+ &- &*`, bits and shifts.
extension IRValue {
  static func + (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildFAdd, x, y) }
  static func - (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildFSub, x, y) }
  static func * (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildFMul, x, y) }
  static func / (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildFDiv, x, y) }
  static prefix func - (x: IRValue) -> IRValue { x.b.wrap(LLVMBuildFNeg(x.b.b, x.ref, "")) }
  static func &+ (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildAdd, x, y) }
  static func &- (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildSub, x, y) }
  static func &* (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildMul, x, y) }
  static func & (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildAnd, x, y) }
  static func | (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildOr, x, y) }
  static func ^ (x: IRValue, y: IRValue) -> IRValue { emit(LLVMBuildXor, x, y) }
  static prefix func ~ (x: IRValue) -> IRValue { x ^ x.word(.max) }
  func shl(_ y: IRValue) -> IRValue { emit(LLVMBuildShl, self, y) }
  func shl(_ n: Int) -> IRValue { shl(int(n)) }
  func lshr(_ y: IRValue) -> IRValue { emit(LLVMBuildLShr, self, y) }
  func lshr(_ n: Int) -> IRValue { lshr(int(n)) }
  func ashr(_ y: IRValue) -> IRValue { emit(LLVMBuildAShr, self, y) }
  func ashr(_ n: Int) -> IRValue { ashr(int(n)) }
  func udiv(_ y: IRValue) -> IRValue { emit(LLVMBuildUDiv, self, y) }
  func sdiv(_ y: IRValue) -> IRValue { emit(LLVMBuildSDiv, self, y) }

  private func cast(_ f: BinaryFunction, _ t: OpaquePointer) -> IRValue {
    let to = b.vector(t, lanes)
    return to == type ? self : b.wrap(f(b.b, ref, to, "")!)
  }
  func trunc(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildTrunc, t) }
  func zext(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildZExt, t) }
  func sext(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildSExt, t) }
  func fptosi(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildFPToSI, t) }
  func sitofp(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildSIToFP, t) }
  func uitofp(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildUIToFP, t) }
  func fptrunc(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildFPTrunc, t) }
  func fpext(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildFPExt, t) }
  func bitcast(_ t: OpaquePointer) -> IRValue { cast(LLVMBuildBitCast, t) }
  func toPointer() -> IRValue { b.wrap(LLVMBuildIntToPtr(b.b, ref, b.pointer, "")) }

  private func unary(_ name: String) -> IRValue { b.intrinsic(name, [type], [self]) }
  func sqrt() -> IRValue { unary("llvm.sqrt") }
  func fabs() -> IRValue { unary("llvm.fabs") }
  func floor() -> IRValue { unary("llvm.floor") }
  func ceil() -> IRValue { unary("llvm.ceil") }
  func truncated() -> IRValue { unary("llvm.trunc") }
  func rint() -> IRValue { unary("llvm.nearbyint") }
  func popcount() -> IRValue { unary("llvm.ctpop") }
  func copysign(_ y: IRValue) -> IRValue {
    let (l, r) = b.unify(self, y)
    return b.intrinsic("llvm.copysign", [l.type], [l, r])
  }
  func isNaN() -> IRValue { b.fcmp(.uno, self, self) }
}

/// x * y + z rounded once.
func fma(_ x: IRValue, _ y: IRValue, _ z: IRValue) -> IRValue {
  let n = max(x.lanes, y.lanes, z.lanes)
  let (p, q, r) = (x.splat(n), y.splat(n), z.splat(n))
  return x.b.intrinsic("llvm.fma", [p.type], [p, q, r])
}

/// c[0] + c[1] x + ... by Horner's rule with fma.
func polynomial(_ x: IRValue, _ c: [Double]) -> IRValue {
  var r = x.real(c[c.count - 1])
  for k in stride(from: c.count - 2, through: 0, by: -1) { r = fma(r, x, x.real(c[k])) }
  return r
}
