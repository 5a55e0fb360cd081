import MarsBase

/// One operator: everything that Mars knows about it.
///
/// Machinery (plan, JIT, runtime, format, bindings) reads these fields and never asks for a name.
package final class OpDef: Sendable {
  /// Name in graphs and in every client language: NumPy's where NumPy has it.
  package let name: String
  package let inputs: [InputDef]
  package let attributes: [AttrDef]
  /// Names of the outputs; usually one.  A name that ends in "..." stands for as many outputs as the expansion has.
  package let outputs: [String]
  package let typing: Typing
  /// Whether it compares integers of any sign and size as the numbers that they are.  A weak integer then need not fit the dtype of what it
  /// meets.
  package let comparesIntegers: Bool
  /// Of what is no ufunc: whether it computes with integers that the dtype of what they meet, or any, does not hold as with the nearest doubles.
  package let roundsIntegers: Bool
  /// Whether Python's scalars keep the dtypes that they have alone, as in NumPy's functions that make arrays of their arguments first.
  package let takesArrays: Bool
  /// Of a ufunc: refuses attributes that do not go with the loop that was taken.
  package let check: Check?
  package let body: Body
  package let effects: Effects
  package let cost: Cost
  package let doc: OpDoc
  package let exposure: Exposure
  /// Inputs on which the laws of the registry run it, beside those that `typing` lets the laws derive.
  package let samples: [Sample]
  /// Splits of the axes that the planner may not change, or nil: what the client pinned.
  package let pinsChunks: (@Sendable (OpContext) -> [AxisSplits]?)?
  /// Of what makes its elements by their positions in C order, or reads them in that order: what gives the same elements under another shape
  /// of as many, from the same inputs; nil where nothing does.  The planner then makes them so instead of copying them.
  package let reshaped: Reshaping?
  package let answer: Answer
  /// Completes the attributes of a client's call from the outside world (a file's header); nodes hold the complete ones.
  package let prepare: Prepare?
  /// Takes back what the operator left in the outside world when its run does not end well.
  package let abandon: (@Sendable (OpContext, any FileSystem) -> Void)?
  /// Inputs before the list that the last one may be.
  package let fixedInputCount: Int
  /// Inputs that every call gives: they come first.
  package let requiredInputCount: Int
  /// The input that is written into the first one, if there is one.
  let storedInput: Int?
  /// Whether defaults stand for some of the inputs.
  let hasInputDefaults: Bool
  /// Whether some of the attributes are arguments of kernels.
  package let hasArguments: Bool
  package typealias Reshaping = @Sendable (OpContext, [Int]) -> (op: OpDef, attributes: [(String, AttrValue)])?
  package typealias Check = @Sendable (OpContext) throws(MarsError) -> Void
  package typealias Prepare = @Sendable ([(String, AttrValue)], any FileSystem) throws(MarsError) -> [(String, AttrValue)]

  package init(
    _ name: String, inputs: [InputDef], attributes: [AttrDef] = [], outputs: [String] = ["out"], typing: Typing,
    comparesIntegers: Bool = false, roundsIntegers: Bool = false, takesArrays: Bool = false, check: Check? = nil, body: Body,
    effects: Effects = .pure, cost: Cost = Cost(), doc: OpDoc, exposure: Exposure = Exposure(), samples: [Sample] = [],
    pinsChunks: (@Sendable (OpContext) -> [AxisSplits]?)? = nil, reshaped: Reshaping? = nil, answer: Answer = Answer(),
    prepare: Prepare? = nil,
    abandon: (@Sendable (OpContext, any FileSystem) -> Void)? = nil
  ) {
    self.name = name
    self.inputs = inputs
    self.attributes = attributes
    self.outputs = outputs
    self.typing = typing
    self.comparesIntegers = comparesIntegers
    self.roundsIntegers = roundsIntegers
    self.takesArrays = takesArrays
    self.check = check
    self.body = body
    self.effects = effects
    self.cost = cost
    self.doc = doc
    self.exposure = exposure
    self.samples = samples
    self.pinsChunks = pinsChunks
    self.reshaped = reshaped
    self.answer = answer
    self.prepare = prepare
    self.abandon = abandon
    fixedInputCount = inputs.last?.isVariadic == true ? inputs.count - 1 : inputs.count
    requiredInputCount = inputs.prefix(fixedInputCount).count { !$0.mayBeLeftOut }
    hasArguments = attributes.contains(where: \.isArgument)
    storedInput = inputs.firstIndex(where: \.isStored)
    hasInputDefaults = inputs.contains { $0.defaultValue != nil }
  }

  /// Whether the number of outputs follows from the arguments.
  package var hasOpenOutputs: Bool { outputs.last?.hasSuffix("...") ?? false }

  /// Position of an attribute in `attributes` and in `Attributes.values`.
  package func attributeIndex(_ name: String) -> Int? { attributes.firstIndex { $0.name == name } }
}

/// How output types follow from input types and attributes.
package enum Typing: Sendable {
  /// A NumPy ufunc: shapes broadcast; the first loop to whose inputs all operands can be cast safely is taken.
  case ufunc([UfuncLoop])
  /// Anything else.  Weak scalars have been resolved beside the common dtype of the other inputs.
  case rule(@Sendable (OpContext) throws(MarsError) -> [TensorType])
  /// A `.composed` body types itself: output types are those of the expansion.
  case fromExpansion
}

/// One signature of a ufunc.  A loop without outputs refuses operands that would match it (numpy's boolean subtract).
package struct UfuncLoop: Hashable, Sendable {
  package let inputs: [DType]
  package let outputs: [DType]
  /// Of a loop without outputs: what the error says, in NumPy's words; "" for the usual sentence.
  package let refusal: String
  package init(_ inputs: [DType], _ outputs: [DType], refusal: String = "") {
    self.inputs = inputs
    self.outputs = outputs
    self.refusal = refusal
  }
}

/// How an operator computes.
package enum Body: Sendable {
  /// Scalar expression of the inputs (cast to the loop's dtypes, broadcast), one value per output.
  case expr(@Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> [ExprRef])
  /// Reduction over axes of input 0, fused with what produces it.
  case reduce(ReduceBody)
  /// An index map into input 0; no kernel.
  case view(@Sendable (OpContext) -> AxisMap)
  /// Compiled code, looked up by operator and device in a `NativeLibrary`.
  case native(NativeRule)
  /// Rewritten into other operators when the node is made.
  case composed(@Sendable (OpContext, [Value]) throws(MarsError) -> [Value])
  /// A finished loop nest over the inputs, as subtasks carry it; nil if its attribute is damaged.
  case nest(@Sendable (OpContext) -> LoopNest?)
  /// Has no inputs and computes nothing.
  case leaf(LeafKind)
}

/// Nodes that hold or stand for data.
package enum LeafKind: Sendable {
  /// Memory, named by the node's payload.
  case data
  /// A named placeholder, bound at execution.
  case input
}

/// A reduction in three parts; see `Reducer` for how parts are combined.
package struct ReduceBody: Sendable {
  /// One reducer to be: kind, value and, for argmin and argmax, the element's index.
  package struct Part: Sendable {
    package let kind: ReduceKind
    package let value: ExprRef
    package let index: ExprRef?
    package init(_ kind: ReduceKind, _ value: ExprRef, index: ExprRef? = nil) {
      self.kind = kind
      self.value = value
      self.index = index
    }
  }
  /// Reduced axes of input 0, ascending.
  package let axes: @Sendable (OpContext) -> [Int]
  /// Whether reduced axes stay with extent 1.
  package let keepsDimensions: @Sendable (OpContext) -> Bool
  /// Per element: from the inputs (broadcast against input 0) to the values that are combined.
  package let map: @Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> [Part]
  /// From the combined states to the outputs.
  package let finish: @Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> [ExprRef]
  package init(
    axes: @escaping @Sendable (OpContext) -> [Int], keepsDimensions: @escaping @Sendable (OpContext) -> Bool,
    map: @escaping @Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> [Part],
    finish: @escaping @Sendable (inout ExprBuilder, OpContext, [ExprRef]) -> [ExprRef]
  ) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
    self.map = map
    self.finish = finish
  }
}

/// How a native operator may be cut into tasks.
package struct NativeRule: Sendable {
  package enum Tiling: Sendable {
    /// Per input, per axis: what it has to do with output 0.  Output axes that no input is aligned with may be cut anywhere.
    case access(@Sendable (OpContext) -> [[AxisAccess]])
    /// The box of each input that a box of the output reads; empty boxes are not depended on.
    case boxes(@Sendable (OpContext, Box) -> [Box])
    /// Tasks follow the chunks of input 0 along `axis`, whose output extent is what the body finds; other axes are whole, and so is it where
    /// `wholeOutputAxes` has it.
    case selecting(axis: Int)
  }
  package let tiling: Tiling
  /// Output axes that may not be cut.
  package let wholeOutputAxes: @Sendable (OpContext) -> [Int]
  /// Whether contracted axes may be cut: the body is then called for one part after the other with `accumulate` set from the second on.
  package let accumulates: Bool
  /// An axis of output 0 along which every task goes on from the one before it, or nil.  The outputs after the first, of extent 1 there, are
  /// handed from task to task: the body finds in them what the task before left, unless it is at the beginning of the axis.  What an
  /// operator is to go on from at the beginning of its own axis may be given as its last inputs, which are optional and of the same types.
  package let carriedAxis: @Sendable (OpContext) -> Int?
  /// Whether output 0 may share the buffer of input 0 when nobody else needs that: in-place writes.  Both have one shape, and a task reads
  /// of input 0 the box that it writes.
  package let reusesInput0: Bool
  /// With `reusesInput0`: whether a box of output 0 is that of input 0 unchanged, whatever the other inputs hold.
  package let leavesInput0: @Sendable (OpContext, Box) -> Bool
  /// For `.boxes`: distances along an output axis at which boxes begin anew; a box across such a place may read much more than it writes.
  package let periods: @Sendable (OpContext, Int) -> [Int]
  /// Places at which chunks of output 0 begin, by axis: every task then covers one of them, or a part.
  package let splits: @Sendable (OpContext) -> [Int: AxisSplits]
  /// Other operators that give the same bits where one task would have to hold more than `TaskLimits` allow, or nothing where it need not.
  package let division: Division?
  package typealias Division = @Sendable (OpContext, [Value], TaskLimits) throws(MarsError) -> [Value]
  /// Bytes of scratch memory of one task, from the extents of its output box.
  package let workspace: @Sendable (OpContext, Box) -> Int
  package init(
    _ tiling: Tiling, wholeOutputAxes: @escaping @Sendable (OpContext) -> [Int] = { _ in [] }, accumulates: Bool = false,
    carriedAxis: @escaping @Sendable (OpContext) -> Int? = { _ in nil }, reusesInput0: Bool = false,
    leavesInput0: @escaping @Sendable (OpContext, Box) -> Bool = { _, _ in false },
    periods: @escaping @Sendable (OpContext, Int) -> [Int] = { _, _ in [] },
    splits: @escaping @Sendable (OpContext) -> [Int: AxisSplits] = { _ in [:] }, division: Division? = nil,
    workspace: @escaping @Sendable (OpContext, Box) -> Int = { _, _ in 0 }
  ) {
    self.tiling = tiling
    self.wholeOutputAxes = wholeOutputAxes
    self.accumulates = accumulates
    self.carriedAxis = carriedAxis
    self.reusesInput0 = reusesInput0
    self.leavesInput0 = leavesInput0
    self.periods = periods
    self.splits = splits
    self.division = division
    self.workspace = workspace
  }
}

/// What operators are told of the sizes that tasks may have.  Never the number of workers: results keep their bits.
package struct TaskLimits: Sendable {
  /// Bytes that all chunks, workspaces and results may take together.
  package let memory: Int
  /// Wanted bytes of a chunk, or nil.
  package let chunk: Int?
  package init(memory: Int, chunk: Int?) {
    self.memory = memory
    self.chunk = chunk
  }
}

/// What running an operator does beside producing its outputs.
package enum Effects: UInt8, Sendable {
  case pure
  /// Reads a file: never merged with a read made by another call.
  case readsExternal
  /// Never merged, dropped or recomputed.
  case writes
  /// Calls the client back: never merged, dropped or recomputed.
  case callback

  /// Whether two equal nodes are one.
  package var mayMerge: Bool { self == .pure }
}

/// Estimates by which the planner decides; never correctness.
package struct Cost: Sendable {
  /// Arithmetic per output element (for reductions: per input element), in units of one addition.
  package let perElement: Double
  /// Whether computing it again is cheaper than keeping it: random numbers, full, arange.
  package let isCheapSource: Bool
  package init(perElement: Double = 1, isCheapSource: Bool = false) {
    self.perElement = perElement
    self.isCheapSource = isCheapSource
  }
}

/// Documentation of an operator: one source for docstrings, manual and tests.
package struct OpDoc: Sendable {
  /// One sentence.
  package let summary: String
  /// Shapes, dtypes, units, errors, source of the method.
  package let details: String
  /// The NumPy function it equals ("numpy.add"), or "".
  package let numpy: String
  /// Python that runs with `mt` and `np` imported; the last line is an expression.
  package let example: String
  package init(_ summary: String, details: String = "", numpy: String = "", example: String) {
    self.summary = summary
    self.details = details
    self.numpy = numpy
    self.example = example
  }
}

/// What `out` of a function may be, beside of the result's shape.
package enum OutRule: Sendable {
  /// The result is cast to it within its kind, as ufuncs do.
  case sameKind
  /// The result is cast to it whatever it is, as reductions do.
  case any
  /// As `any`, if it is inexact: fractions are not lost.
  case inexact
  /// NumPy would compute in it: what it holds has to fit the result's dtype.
  case fitsResult
  /// It has the result's dtype.
  case equal
}

/// Where clients find an operator, and how their functions take its arguments.
package struct Exposure: Sendable {
  /// Python module below `mars.tensor` ("" itself, "random", "linalg"); nil: internal, not offered to clients by name.
  package let namespace: String?
  /// Other modules that have it too.
  package let alsoIn: [String]
  /// Other names that NumPy has for it.
  package let aliases: [String]
  /// Whether it is a method of tensors too.
  package let isMethod: Bool
  /// Python operators: "__add__" and the like (reflected and in-place forms follow).
  package let operators: [String]
  /// Names of the ufuncs whose `reduce` and `accumulate` it is.
  package let reduceOf: [String]
  package let accumulateOf: String?
  /// Whether tensors are given as arguments of their own instead of a list; with one input, the operator is applied to each of them.
  package let takesSeparateArguments: Bool
  /// Whether it makes a new tensor of what are no tensors of that size: it takes chunks to make, not a tensor to write to.
  /// nil: if it has no inputs.
  private let source: Bool?
  /// Whether the result is what its first input is to hold: clients' functions write it there, and answer nothing.
  package let writesFirst: Bool
  /// Whether NumPy lets choose the device.
  package let takesDevice: Bool
  /// What `out` may be where the client names no rule.
  package let out: OutRule
  /// Parameters of NumPy's function in its order, by blanks: inputs and attributes by name, `out`, the marks `/` and `*` of Python, and as
  /// `name=default` what has no meaning here (memory order, subclasses).  "": inputs, attributes, `out`.
  package let signature: String
  package init(
    namespace: String? = "", alsoIn: [String] = [], aliases: [String] = [], method: Bool = false, operators: [String] = [],
    reduceOf: [String] = [], accumulateOf: String? = nil, separateArguments: Bool = false, source: Bool? = nil, writesFirst: Bool = false,
    device: Bool = false, out: OutRule? = nil, signature: String = ""
  ) {
    self.namespace = namespace
    self.alsoIn = alsoIn
    self.aliases = aliases
    self.isMethod = method
    self.operators = operators
    self.reduceOf = reduceOf
    self.accumulateOf = accumulateOf
    self.takesSeparateArguments = separateArguments
    self.source = source
    self.writesFirst = writesFirst
    takesDevice = device
    self.out = out ?? (reduceOf.isEmpty && accumulateOf == nil ? .sameKind : .any)
    self.signature = signature
  }
  package static let hidden = Exposure(namespace: nil)

  package func isSource(_ inputs: [InputDef]) -> Bool { source ?? inputs.isEmpty }
}

/// One call on which the laws run an operator.
package struct Sample: Sendable {
  /// Shapes of the inputs that are given.
  package let shapes: [[Int]]
  /// Declared inputs that are left out although later ones are given.
  package let absent: [Int]
  /// dtypes that each input takes, all inputs the same; empty inputs excepted.
  package let dtypes: DTypeSet
  /// Fixed dtypes of single inputs (a mask is bool).
  package let fixed: [Int: DType]
  package let attributes: [String: AttrValue]
  package init(
    _ shapes: [[Int]], _ dtypes: DTypeSet = DTypeSet(.float64), fixed: [Int: DType] = [:], absent: [Int] = [],
    attributes: [String: AttrValue] = [:]
  ) {
    self.shapes = shapes
    self.absent = absent
    self.dtypes = dtypes
    self.fixed = fixed
    self.attributes = attributes
  }

  /// Values of the inputs that are given as the operands of the call.
  package func operands(_ given: [Value]) -> [Operand] {
    var out = given.map { Operand.value($0) }
    for i in absent.sorted() { out.insert(.absent, at: i) }
    return out
  }
}
