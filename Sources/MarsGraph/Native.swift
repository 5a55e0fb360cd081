import MarsBase

/// One call of a native body: the windows of memory that one task reads and writes.
package struct NativeCall {
  package let context: OpContext
  package let inputs: [ArrayView]
  /// Where each input window lies in its tensor, or in the view of it that the operator sees.
  package let inputBoxes: [Box]
  package var outputs: [ArrayView]
  /// Where the output windows lie in output 0.
  package let outputBox: Box
  /// Add to what the output holds: a further part of a contraction.
  package let accumulate: Bool
  /// Output 0 already holds input 0: the buffer was reused.
  package let isInPlace: Bool
  /// Scratch memory of the size that the rule asked for.
  package let workspace: Workspace
  package let payload: Payload
  package let files: any FileSystem
  /// For `.selecting`: extents actually produced, one per output axis; set by the body.
  package var producedShape: [Int]?

  package init(
    context: OpContext, inputs: [ArrayView], inputBoxes: [Box], outputs: [ArrayView], outputBox: Box, accumulate: Bool, isInPlace: Bool,
    workspace: Workspace, payload: Payload, files: any FileSystem
  ) {
    self.context = context
    self.inputs = inputs
    self.inputBoxes = inputBoxes
    self.outputs = outputs
    self.outputBox = outputBox
    self.accumulate = accumulate
    self.isInPlace = isInPlace
    self.workspace = workspace
    self.payload = payload
    self.files = files
    producedShape = nil
  }
}

package typealias NativeBody = @Sendable (inout NativeCall) throws(MarsError) -> Void

/// Native bodies by operator, device and storage, so that a new device or storage adds entries and edits no operator.
package struct NativeLibrary: Sendable {
  package struct Key: Hashable, Sendable {
    package let op: String
    package let device: String
    package let storage: String
    package init(_ op: String, device: String = "cpu", storage: String = "dense") {
      self.op = op
      self.device = device
      self.storage = storage
    }
  }
  private var bodies: [Key: NativeBody] = [:]
  package init() {}
  package mutating func add(_ key: Key, _ body: @escaping NativeBody) { bodies[key] = body }
  package func body(_ key: Key) -> NativeBody? { bodies[key] }
  package var keys: [Key] { Array(bodies.keys) }
}
