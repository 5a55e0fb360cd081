import MarsBase
import MarsGraph

/// A graph as files hold it: named placeholders and named results.
package struct GraphFile: Sendable {
  package typealias Port = (name: String, value: Value)
  /// Nodes of the leaf `input`, under the names of their attribute `name`.
  package var inputs: [Port]
  package var outputs: [Port]
  /// What the placeholders of a file that was read carry.
  package let scope = InputScope()
  /// Advice of the writer, which a reader may drop.
  package var hints: [(key: String, value: String)]

  package init(inputs: [Port] = [], outputs: [Port] = [], hints: [(key: String, value: String)] = []) {
    self.inputs = inputs
    self.outputs = outputs
    self.hints = hints
  }
}

/// The name under which a client has registered a function, and the client's language.
package struct CallbackName: Hashable, Sendable {
  /// "python": files require "callback:python".
  package let language: String
  package let name: String
  package init(language: String, name: String) {
    self.language = language
    self.name = name
  }
}

/// How a graph is written.
package struct EncodeOptions: Sendable {
  /// Upper bound of the bytes of all data leaves together; nil refuses graphs that hold data.
  package var dataLimit: Int? = 64 << 20
  /// Whether the places that created nodes are written; they are paths and lines of the client's program.
  package var writesOrigins = false
  /// Whether nodes that are parts of others say which operator was applied.
  package var writesCallers = false
  package var hints: [(key: String, value: String)] = []
  /// Brings chunks of the runtime into memory; nil: graphs that hold such data are refused.
  package var readChunked: (@Sendable (any ChunkedData) throws(MarsError) -> DenseArray)?
  /// The registered name of a client's function, or nil; nil: graphs that hold functions are refused.
  ///
  /// The format has room for names, and tests hold it to that; no session gives any, so that no release writes them.
  package var callbackName: (@Sendable (any ClientCallback) -> CallbackName?)?

  package init() {}
}

/// What a graph that was read may do, and how large it may be.
package struct DecodeOptions: Sendable {
  package var capabilities = Capabilities()
  package var limits = DecodeLimits()
  /// Makes the node of a data leaf out of a view that ends with the call; nil: copies that nobody counts.
  package var keepData: (@Sendable (ArrayView, _ origin: String) throws(MarsError) -> Node)?

  package init() {}
}

/// What a graph that was read may do; nothing beyond computing unless allowed.
package struct Capabilities: Sendable {
  /// Whether operators may read and write files.
  package var files = false
  /// The client's functions; nil: no operator may call back.  The other half of `EncodeOptions.callbackName`: no session allows any.
  package var callbacks: Callbacks?

  package init(files: Bool = false, callbacks: Callbacks? = nil) {
    self.files = files
    self.callbacks = callbacks
  }

  /// Languages whose functions may be called, and where to find a function by its registered name.
  package struct Callbacks: Sendable {
    package let languages: Set<String>
    package let find: @Sendable (CallbackName) throws(MarsError) -> any ClientCallback
    package init(languages: Set<String>, find: @escaping @Sendable (CallbackName) throws(MarsError) -> any ClientCallback) {
      self.languages = languages
      self.find = find
    }
  }
}

/// Bounds on what a hostile file can make a reader spend.
package struct DecodeLimits: Sendable {
  /// Bytes of the file.
  package var bytes = Int(Int32.max)
  /// Nodes, those into which composed operators expand included.
  package var nodes = 4_000_000
  /// Bytes of one attribute.
  package var attributeBytes = 16 << 20
  /// Axes of a tensor.
  package var rank = 64
  /// Memory for parsed messages, beside twice the length of the file.
  package var parseBytes = 1 << 30

  package init() {}
}
