import MarsBase
import MarsGraph
import MarsOps
import MarsRuntime
import Synchronization

/// What tensors that alias each other share: the current value, replaced by every write.
final class Storage: Sendable {
  struct State: Sendable {
    /// The current value: a node of a graph not yet executed, or a data leaf.
    var value: Value
    /// Counts writes; equal versions mean equal contents.
    var version: Int
    /// The data that an execution left here and nobody has seen since, under the writes that followed: a write may go into its memory.
    ///
    /// Nobody has seen the writes either, so what they store does not depend on the data, and making them a second time (a run has failed
    /// halfway) stores the same.
    var unseen: Node? = nil
    /// The same while an execution may be writing there: no other one may, also after it has failed.
    var taken: Node? = nil
    /// Of the graphs that have the tensor as an output.
    var scopes: [InputScope] = []
  }
  let state: Locked<State>
  init(_ value: Value) { state = Locked(State(value: value, version: 0)) }

  /// The state for someone who keeps the value or its memory.
  func read() -> State {
    state.withLock { s in
      s.unseen = nil
      s.taken = nil
      return s
    }
  }
}

/// A tensor handle: a view of a storage.
package final class Tensor: Sendable {
  let storage: Storage
  let chain: ViewChain
  package let dtype: DType
  /// Chunk extents that the client would like, kept until something depends on them.
  let preferredChunks: [Int]?
  /// Whether somebody has been told that the preferred chunks are what there is.
  private let isPinned = Atomic<Bool>(false)
  /// Whether it may be read only, as a diagonal or what was broadcast.
  package let isReadOnly: Bool
  /// Whether it stands for a scalar of NumPy: without axes, and the same for ever.
  package let isScalar: Bool
  /// Whether it is the place of one element, which takes a number and no array of one.
  let isElement: Bool
  /// The view's value for a version of the storage: made once, replaced by data after execution.
  ///
  /// Most tensors are all of their storage, and never come to need this.
  private let seen = AtomicLazyReference<Locked<Seen?>>()
  private struct Seen: Sendable {
    let version: Int
    /// The storage's value that the view was made of.
    let base: ObjectIdentifier
    let value: Value
    var isData: Bool { if case .leaf(.data) = value.node.op.body { true } else { false } }
  }

  init(
    storage: Storage, chain: ViewChain, dtype: DType, preferredChunks: [Int]? = nil, isReadOnly: Bool = false, isScalar: Bool = false,
    isElement: Bool = false
  ) {
    self.storage = storage
    self.chain = chain
    self.dtype = dtype
    self.preferredChunks = preferredChunks
    self.isReadOnly = isReadOnly
    self.isScalar = isScalar
    self.isElement = isElement
  }

  /// A tensor with storage of its own.
  package convenience init(_ value: Value, preferredChunks: [Int]? = nil, isReadOnly: Bool = false, isScalar: Bool = false) {
    self.init(
      storage: Storage(value), chain: ViewChain(storage: value.type.shape), dtype: value.type.dtype, preferredChunks: preferredChunks,
      isReadOnly: isReadOnly, isScalar: isScalar)
  }

  /// dtype and shape; extents are -1 until the value that they depend on is there.
  package var type: TensorType {
    if Shape.isKnown(chain.shape) { return TensorType(dtype, chain.shape) }
    return (try? value().value.type) ?? TensorType(dtype, chain.shape)
  }

  /// The current value with the version that it belongs to.
  package func value() throws(MarsError) -> (value: Value, version: Int) { try value(of: storage.read()) }

  /// The same for someone who makes a view of the storage of it and keeps nothing else.
  private func valueToView() throws(MarsError) -> Value { try value(of: storage.state.withLock { $0 }).value }

  private func value(of now: Storage.State) throws(MarsError) -> (value: Value, version: Int) {
    let isPinned = preferredChunks != nil && self.isPinned.load(ordering: .relaxed)
    if chain.isWhole && !isPinned { return (now.value, now.version) }
    // A view of a graph is made anew once there is data: it would compute what is there and keep all that led to it.
    let base = ObjectIdentifier(now.value.node)
    if let s = lastSeen, s.version == now.version, s.base == base || s.isData { return (s.value, s.version) }
    var v = chain.isWhole ? now.value : try chain.read(now.value)
    if isPinned, let preferredChunks {
      v = Value(try marsRegistry.require("rechunk").apply([.value(v)], [("chunk_size", .ints(preferredChunks))]))
    }
    note(Seen(version: now.version, base: base, value: v))
    return (v, now.version)
  }

  private var lastSeen: Seen? { seen.load()?.withLock { $0 } }

  private func note(_ new: Seen) {
    let seen = self.seen.load() ?? self.seen.storeIfNil(Locked(nil))
    seen.withLock { $0 = new }
  }

  /// The tensor of all of the storage, where this is a view whose extents are known only when that has run; nil otherwise.
  ///
  /// Executing the view executes it too, so that the view and those that follow lie in known memory.
  func openBase() -> Tensor? {
    guard chain.isOpen && !chain.isWhole else { return nil }
    let value = storage.state.withLock { $0.value }
    return value.type.isKnown ? nil : Tensor(storage: storage, chain: ViewChain(storage: value.type.shape), dtype: value.type.dtype)
  }

  /// Puts the data of an execution in place of the graph that computed it, unless there was a write in the meantime.
  /// - Parameter isOwn: whether nobody else has the data's memory.
  func settle(_ data: Value, version: Int, isOwn: Bool = false) {
    if chain.isWhole {
      storage.state.withLock { s in
        guard s.version == version else { return }
        s.value = data
        s.unseen = isOwn ? data.node : nil
        s.taken = nil
      }
    } else {
      note(Seen(version: version, base: ObjectIdentifier(data.node), value: data))
    }
  }

  /// The current value for an execution, and its data below if the execution may write there; what others read from now on is noted.
  func valueToWrite() -> (value: Value, version: Int, overwriting: Node?)? {
    if !chain.isWhole { return nil }
    return storage.state.withLock { s in
      guard let data = s.unseen, s.value.node !== data else { return nil }
      (s.unseen, s.taken) = (nil, data)
      return (s.value, s.version, data)
    }
  }

  /// Puts in place what an execution wrote over the tensor's own data.
  /// - Parameter isSeen: whether somebody keeps that memory.
  func settleOverwritten(_ data: Value, version: Int, isSeen: Bool) {
    storage.state.withLock { s in
      guard s.version == version else {
        // The memory is that of the old data, on which the writes made in the meantime stand.
        return
      }
      s.value = data
      if s.taken != nil { (s.unseen, s.taken) = (isSeen ? nil : data.node, nil) }
    }
  }

  /// Whether the value is at hand without running anything.
  package var isExecuted: Bool {
    let now = storage.state.withLock { $0 }
    if case .leaf(.data) = now.value.node.op.body { return true }
    if let s = lastSeen, s.version == now.version, s.isData { return true }
    return false
  }

  /// The value as a window of memory, if it is at hand in one piece.
  func dense() throws(MarsError) -> DenseArray? {
    let now = storage.read()
    if case .leaf(.data) = now.value.node.op.body, let c = try? chain.settled(on: now.value.type.shape) {
      if case .dense(let a) = now.value.node.payload, let w = c.window(a) { return w }
      if case .chunked(let data) = now.value.node.payload, let stored = data as? StoredTensor, let a = try stored.piece(),
        let w = c.window(a)
      {
        // A small part would keep all of it in memory.
        if w.type.byteCount >= a.type.byteCount / 4 { return w }
        let copy = DenseArray(buffer: try stored.engine.makeBuffer(byteCount: w.type.byteCount), type: w.type)
        StridedCopy.copy(from: w.view, to: copy.view)
        return copy
      }
    }
    if let s = lastSeen, s.version == now.version, case .dense(let a) = s.value.node.payload { return a }
    return nil
  }

  /// From now on operators meet the tensor in its preferred chunks.
  func pin() { if preferredChunks != nil { isPinned.store(true, ordering: .relaxed) } }

  // MARK: Operations

  /// Applies an operator; results that NumPy would give as views of input 0 share its storage.
  package static func apply(
    _ op: OpDef, _ inputs: [TensorOperand], _ attributes: [(String, AttrValue)], payload: Payload = .none, origin: String = ""
  ) throws(MarsError) -> [Tensor] {
    let (inputs, settled) = try settlingOrder(op, inputs, attributes)
    var attributes = settled
    if mayView(op, attributes), inputs.count == 1, case .tensor(let base) = inputs[0], !base.isScalar {
      let node = try op.apply([.value(try base.valueToView())], attributes, payload: payload, origin: origin)
      let isElement = op.answer.isElement?(node.context) == true
      if isElement && op.answer.element == .scalar {
        // Of the value as it is now, which nobody may overwrite from here on.
        let element = try op.apply([.value(try base.value().value)], attributes, payload: payload, origin: origin)
        return [Tensor(Value(element), isScalar: true)]
      }
      if let view = try base.view(Value(node), isElement: isElement) { return [view] }
    }
    var operands: [Operand] = []
    operands.reserveCapacity(inputs.count)
    for i in inputs {
      switch i {
      case .tensor(let t): operands.append(.value(try t.value().value))
      case .weak(let s): operands.append(.weak(s))
      case .big(let x): operands.append(.big(x))
      case .absent: operands.append(.absent)
      }
    }
    do throws(MarsError) { try UfuncSignature.apply(op, &operands, &attributes) } catch { throw error.at(op: op.name, origin: origin) }
    let node = try op.apply(operands, attributes, payload: payload, origin: origin)
    var first: Tensor? = nil
    if case .tensor(let t)? = inputs.first { first = t }
    let isScalar =
      switch op.answer.rankZero {
      case .scalar: true
      case .array: false
      case .asInput: first?.isScalar ?? false
      }
    // As NumPy: the imaginary part of real values is none of their memory.
    let isReadOnly = op.answer.isReadOnly || op.answer.part == .imaginary && first?.dtype.isComplex == false
    var results: [Tensor] = []
    for i in node.outputs.indices {
      let result = Value(node, i)
      do throws(MarsError) {
        if let first, !first.isScalar, op.answer.mayShare, let view = try first.view(result), view.suits(op.answer.sharing) {
          results.append(view)
          continue
        }
      } catch { throw error.at(op: op.name, origin: origin) }
      results.append(Tensor(result, isReadOnly: isReadOnly, isScalar: isScalar && result.type.rank == 0))
    }
    return results
  }

  /// Whether an operator's result may be a view of its input without looking at its graph.
  private static func mayView(_ op: OpDef, _ attributes: [(String, AttrValue)]) -> Bool {
    switch op.answer.sharing {
    case .never: return false
    // With attributes it is a ufunc that may cast first.
    case .part: return attributes.isEmpty
    case .views, .contiguousViews, .reshape: if case .view = op.body { return true } else { return false }
    }
  }

  /// Whether an operator that shares memory so may answer this view.
  private func suits(_ sharing: Answer.Sharing) -> Bool {
    switch sharing {
    case .never: false
    case .contiguousViews: chain.isContiguous
    case .views, .reshape, .part: true
    }
  }

  /// Whether a node's result is, or may be, a view of its first input.
  private static func isViewStep(_ node: Node) -> Bool {
    switch (node.op.body, node.op.answer.sharing) {
    case (.view, _), (_, .reshape): true
    case (_, .part(let part)): part == .real || node.inputs[0].type.dtype.isComplex
    default: false
    }
  }

  /// The tensor for a value that is made of this one by views only; nil for any other value.
  ///
  /// Throws where unknown extents decide whether it is a view.
  private func view(_ result: Value, isElement: Bool = false) throws(MarsError) -> Tensor? {
    guard !result.node.expansion.isEmpty || Tensor.isViewStep(result.node) else { return nil }
    guard let mine = try? valueToView(), var c = try? settledChain() else { return nil }
    // From the result inwards to this tensor's value.
    var path: [Node] = []
    var v = result
    while v != mine {
      if !v.node.expansion.isEmpty {
        v = v.node.expansion[v.output]
        continue
      }
      guard Tensor.isViewStep(v.node) else { return nil }
      path.append(v.node)
      v = v.node.inputs[0]
    }
    var readOnly = isReadOnly
    for node in path.reversed() {
      readOnly = readOnly || node.op.answer.isReadOnly
      if case .view(let rule) = node.op.body {
        c = c.mapped(rule(node.context), shape: node.outputs[0].shape)
      } else if let part = node.op.answer.part {
        // The real part of real values is they themselves.
        if node.inputs[0].type.dtype.isComplex { c = c.taking(part) }
      } else {
        guard let r = try c.reshaped(node.outputs[0].shape) else { return nil }
        c = r
      }
    }
    return Tensor(storage: storage, chain: c, dtype: result.type.dtype, isReadOnly: readOnly, isElement: isElement)
  }

  /// The view that this is of the storage as that is known now.
  func settledChain() throws(MarsError) -> ViewChain { try chain.settled(on: storage.state.withLock { $0.value.type.shape }) }

  /// self[...] = value, through the view.
  package func assign(_ value: TensorOperand, origin: String = "") throws(MarsError) {
    do throws(MarsError) {
      if isScalar { throw MarsError(.type, "a scalar of \(dtype.name) does not support item assignment") }
      if isReadOnly { throw MarsError(.value, "assignment destination is read-only") }
      let source: Value
      switch value {
      case .tensor(let t): source = try t.value().value
      case .weak(let s): source = Value(Leaves.node(try s.stored(as: dtype)))
      case .big(let x): source = Value(Leaves.node(try Scalar.stored(big: x, as: dtype)))
      case .absent: throw MarsError(.type, "the value to assign may not be left out")
      }
      // A bool is the truth of an array of one.
      let isOne = source.type.rank == 0 || dtype == .bool && source.type.isKnown && source.type.count == 1
      if isElement && !isOne { throw MarsError(.value, "setting an array element with a sequence.") }
      let cast = try source.cast(dtype)
      while true {
        let now = storage.state.withLock { $0 }
        let chain = try self.chain.settled(on: now.value.type.shape)
        if chain.writesUnknown {
          throw MarsError(.unknownExtents, "the tensor is a reshaped view of extents that are not known yet: execute it first")
        }
        let fitted: Value
        if Shape.isKnown(chain.shape) && cast.type.isKnown {
          fitted = try cast.fitted(to: chain.shape)
        } else {
          // How the value broadcasts is found when the extents are.
          fitted = try chain.read(now.value).assigning(cast, .identity(chain.shape.count), shape: chain.shape)
        }
        let next = chain.isWhole ? fitted : try chain.write(now.value, fitted)
        let done = storage.state.withLock { s in
          if s.version != now.version { return false }
          s = Storage.State(
            value: next, version: s.version + 1, unseen: chain.isWhole ? nil : s.unseen, taken: chain.isWhole ? nil : s.taken,
            scopes: s.scopes)
          return true
        }
        if done { return }
      }
    } catch { throw error.at(op: "assign", origin: origin) }
  }

  /// The current value with storage of its own.
  package func snapshot() throws(MarsError) -> Tensor {
    Tensor(try value().value, preferredChunks: preferredChunks, isScalar: isScalar)
  }

  package func sharesStorage(with other: Tensor) -> Bool { storage === other.storage }
}

/// An argument as a client gives it.
package enum TensorOperand: Sendable {
  case tensor(Tensor)
  case weak(Scalar)
  /// An integer that 64 bits do not hold, as the nearest double; an infinity where none is near.
  case big(Double)
  /// The input is left out.
  case absent
}
