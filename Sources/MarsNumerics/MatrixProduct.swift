import CBLAS
import Glibc
import MarsBase

/// Matrix products: OpenBLAS for float32, float64 and complex, blocked loops for the rest.
package enum MatrixProduct {
  /// c = a b, or c += a b, for 2-D views of one dtype with any strides.
  ///
  /// float16 and bfloat16 accumulate in float32 and round once per call; bool is or of ands; integers wrap.
  package static func multiply(_ a: ArrayView, _ b: ArrayView, into c: ArrayView, accumulate: Bool) throws(MarsError) {
    precondition(a.rank == 2 && b.rank == 2 && c.rank == 2 && a.dtype == b.dtype && a.dtype == c.dtype)
    if c.count == 0 { return }
    if a.shape[1] == 0 {
      if !accumulate { Strided.zero(c) }
      return
    }
    switch a.dtype {
    case .float32, .float64, .complex64, .complex128: try blas(a, b, c, accumulate)
    case .float16, .bfloat16: try half(a, b, c, accumulate)
    default: try a.dtype.dispatch(Loop(a: a, b: b, c: c, accumulate: accumulate))
    }
  }

  // MARK: OpenBLAS

  /// A matrix as BLAS takes it: row-major, perhaps transposed, with a leading dimension in elements.
  private struct Operand {
    var base: UnsafeMutableRawPointer
    var transposed: Bool
    var leading: Int
    var owned: UnsafeMutableRawPointer?
  }

  /// The view itself where its strides allow, else a contiguous copy.
  private static func operand(_ v: ArrayView) throws(MarsError) -> Operand {
    if let o = direct(v) { return o }
    let size = v.dtype.itemSize
    guard let p = malloc(max(1, v.count * size)) else { throw MarsError(.memory, "no memory for a copy of a strided matrix") }
    let packed = ArrayView(base: p, dtype: v.dtype, shape: v.shape)
    StridedCopy.copy(from: v, to: packed)
    return Operand(base: p, transposed: false, leading: max(1, v.shape[1]), owned: p)
  }

  private static func direct(_ v: ArrayView) -> Operand? {
    let size = v.dtype.itemSize
    func fits(_ inner: Int, _ outer: Int) -> Int? {
      guard v.shape[inner] == 1 || v.strides[inner] == size else { return nil }
      if v.shape[outer] == 1 { return max(1, v.shape[inner]) }
      let s = v.strides[outer]
      guard s > 0 && s % size == 0 && s / size >= v.shape[inner] && s / size <= Int(Int32.max) else { return nil }
      return s / size
    }
    if let l = fits(1, 0) { return Operand(base: v.base, transposed: false, leading: l, owned: nil) }
    if let l = fits(0, 1) { return Operand(base: v.base, transposed: true, leading: l, owned: nil) }
    return nil
  }

  private static func blas(_ a: ArrayView, _ b: ArrayView, _ c: ArrayView, _ accumulate: Bool) throws(MarsError) {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    guard max(m, k, n) <= Int(Int32.max) else { throw MarsError(.value, "a matrix extent exceeds BLAS's 32-bit index") }
    let x = try operand(a)
    defer { free(x.owned) }
    let y = try operand(b)
    defer { free(y.owned) }
    let target = direct(c)
    if let target, target.transposed {
      // c is column-major: compute its transpose.
      call(a.dtype, y, flipA: true, x, flipB: true, n, m, k, target.base, target.leading, accumulate)
    } else if let target {
      call(a.dtype, x, flipA: false, y, flipB: false, m, n, k, target.base, target.leading, accumulate)
    } else {
      guard let p = malloc(m * n * c.dtype.itemSize) else { throw MarsError(.memory, "no memory for a copy of a strided matrix") }
      defer { free(p) }
      let packed = ArrayView(base: p, dtype: c.dtype, shape: [m, n])
      if accumulate { StridedCopy.copy(from: c, to: packed) }
      call(a.dtype, x, flipA: false, y, flipB: false, m, n, k, p, n, accumulate)
      StridedCopy.copy(from: packed, to: c)
    }
  }

  private static func call(
    _ d: DType, _ a: Operand, flipA: Bool, _ b: Operand, flipB: Bool, _ m: Int, _ n: Int, _ k: Int, _ c: UnsafeMutableRawPointer,
    _ ldc: Int, _ accumulate: Bool
  ) {
    let order = Int32(MARS_CBLAS_ROW_MAJOR.rawValue)
    let ta = Int32((a.transposed != flipA ? MARS_CBLAS_TRANS : MARS_CBLAS_NO_TRANS).rawValue)
    let tb = Int32((b.transposed != flipB ? MARS_CBLAS_TRANS : MARS_CBLAS_NO_TRANS).rawValue)
    let (m, n, k, lda, ldb, ldc) = (Int32(m), Int32(n), Int32(k), Int32(a.leading), Int32(b.leading), Int32(ldc))
    BLASThreads.single {
      switch d {
      case .float32:
        cblas_sgemm(
          order, ta, tb, m, n, k, 1, a.base.assumingMemoryBound(to: Float.self), lda, b.base.assumingMemoryBound(to: Float.self), ldb,
          accumulate ? 1 : 0, c.assumingMemoryBound(to: Float.self), ldc)
      case .float64:
        cblas_dgemm(
          order, ta, tb, m, n, k, 1, a.base.assumingMemoryBound(to: Double.self), lda, b.base.assumingMemoryBound(to: Double.self), ldb,
          accumulate ? 1 : 0, c.assumingMemoryBound(to: Double.self), ldc)
      case .complex64:
        var alpha = ComplexElement<Float>(1, 0)
        var beta = ComplexElement<Float>(accumulate ? 1 : 0, 0)
        cblas_cgemm(order, ta, tb, m, n, k, &alpha, a.base, lda, b.base, ldb, &beta, c, ldc)
      default:
        var alpha = ComplexElement<Double>(1, 0)
        var beta = ComplexElement<Double>(accumulate ? 1 : 0, 0)
        cblas_zgemm(order, ta, tb, m, n, k, &alpha, a.base, lda, b.base, ldb, &beta, c, ldc)
      }
    }
  }

  // MARK: Loops

  private static func half(_ a: ArrayView, _ b: ArrayView, _ c: ArrayView, _ accumulate: Bool) throws(MarsError) {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    let count = m * k + k * n + m * n
    guard let p = malloc(count * 4) else { throw MarsError(.memory, "no memory for a product of half-precision matrices") }
    defer { free(p) }
    let x = ArrayView(base: p, dtype: .float32, shape: [m, k])
    let y = ArrayView(base: p + m * k * 4, dtype: .float32, shape: [k, n])
    let z = ArrayView(base: p + (m * k + k * n) * 4, dtype: .float32, shape: [m, n])
    widen(a, x)
    widen(b, y)
    if accumulate { widen(c, z) }
    try blas(x, y, z, accumulate)
    let isBrain = c.dtype == .bfloat16
    try Strided.forEach([m, n], [z.strides, c.strides]) { o throws(MarsError) in
      let f = (z.base + o[0]).load(as: Float.self)
      (c.base + o[1]).storeBytes(of: isBrain ? BFloat16(f).bits : Float16(f).bitPattern, as: UInt16.self)
    }
  }

  private static func widen(_ v: ArrayView, _ f: ArrayView) {
    let isBrain = v.dtype == .bfloat16
    try? Strided.forEach(v.shape, [v.strides, f.strides]) { o throws(MarsError) in
      let u = (v.base + o[0]).load(as: UInt16.self)
      (f.base + o[1]).storeBytes(of: isBrain ? Float(bitPattern: UInt32(u) << 16) : Float(Float16(bitPattern: u)), as: Float.self)
    }
  }

  /// Rows of c from rows of b, in blocks of k that stay in cache.
  private struct Loop: ElementRoutine {
    let a, b, c: ArrayView
    let accumulate: Bool
    func run<T: Element>(_: T.Type) throws(MarsError) {
      let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
      if !accumulate { Strided.zero(c) }
      let block = 64
      let item = T.self == BoolElement.self ? 1 : MemoryLayout<T>.stride
      let contiguous = b.strides[1] == item && c.strides[1] == item
      for k0 in stride(from: 0, to: k, by: block) {
        for i in 0..<m {
          let row = c.base + i * c.strides[0]
          for l in k0..<min(k, k0 + block) {
            let x = (a.base + i * a.strides[0] + l * a.strides[1]).loadUnaligned(as: T.self)
            let from = b.base + l * b.strides[0]
            if contiguous {
              let p = from.assumingMemoryBound(to: T.self)
              let q = row.assumingMemoryBound(to: T.self)
              for j in 0..<n { q[j] = T.sum(q[j], T.product(x, p[j])) }
            } else {
              for j in 0..<n {
                let q = (row + j * c.strides[1]).assumingMemoryBound(to: T.self)
                q.pointee = T.sum(q.pointee, T.product(x, (from + j * b.strides[1]).load(as: T.self)))
              }
            }
          }
        }
      }
    }
  }
}

/// One BLAS thread per task, with the host's setting untouched while no task of Mars is inside BLAS.
///
/// OpenBLAS 0.3.21 has one setting for the process (a variable read at the start of each call; nothing is started or stopped when it is
/// lowered).  The first task that enters saves and lowers it, the last one that leaves restores it.
package enum BLASThreads {
  private struct State {
    var inside = 0
    var saved: Int32 = 1
  }
  private static let state = Locked(State())
  /// OpenBLAS takes locks of its own as a call begins and ends.
  private static let gate = ForkGate()

  package static func single(_ body: () -> Void) {
    gate.pass {
      state.withLock { s in
        if s.inside == 0 {
          s.saved = openblas_get_num_threads()
          if s.saved != 1 { openblas_set_num_threads(1) }
        }
        s.inside += 1
      }
      body()
      state.withLock { s in
        s.inside -= 1
        if s.inside == 0 && s.saved != 1 { openblas_set_num_threads(s.saved) }
      }
    }
  }

  /// The host's setting, also while tasks of Mars are inside BLAS.
  package static var hostThreads: Int { state.withLock { $0.inside > 0 ? Int($0.saved) : Int(openblas_get_num_threads()) } }

  /// For the runtime's fork handlers.  Short calls are waited for, even where their threads get no processor for long; a fork does not wait
  /// for long ones, which are hardly ever caught at their beginning or end.
  package static func lockForFork() {
    gate.closeForFork(waitingSeconds: 1, workingSeconds: 0.005)
    state.lockForFork()
  }
  package static func unlockAfterFork() {
    state.unlockAfterFork()
    gate.openAfterFork()
  }
  /// The child has no task inside BLAS.
  package static func reinitialiseInChild() {
    gate.reinitialiseInChild()
    state.reinitialiseInChild()
    state.withLock { s in
      if s.inside > 0 && s.saved != 1 { openblas_set_num_threads(s.saved) }
      s.inside = 0
    }
  }
}
