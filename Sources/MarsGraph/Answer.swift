/// What a client gets of a call beside the values: a view of input 0 or a tensor of its own, an array or a scalar.
package struct Answer: Sendable {
  /// When a result has the memory of input 0, so that writes to one are seen in the other.
  package enum Sharing: Sendable {
    /// Where the body, or its expansion, is made of views only.
    case views
    /// The same, if the memory lies in C order: NumPy's ravel.
    case contiguousViews
    /// Where strides allow it, although the body copies: the result is the elements of input 0, in C order, under other extents.
    case reshape
    /// Always: it is a part of complex values, which is written through.
    case part(ComplexPart)
    /// Never, even where it is made by views only.
    case never
  }

  /// What a result without axes is: NumPy gives scalars, which never change, for most, and arrays, which can be written to, for some.
  package enum RankZero: Sendable {
    case scalar
    case array
    /// As the first input is.
    case asInput
  }

  package let sharing: Sharing
  package let rankZero: RankZero
  /// Whether the result of a call is a single element, which integers for all axes pick; nil: never.
  package let isElement: (@Sendable (OpContext) -> Bool)?
  /// What a single element is.
  package enum Element: Sendable {
    /// A scalar, as NumPy reads it.
    case scalar
    /// A place for one number, as NumPy writes it.
    case place
  }
  package let element: Element
  /// Whether results may not be written to, as NumPy's of a diagonal.
  package let isReadOnly: Bool
  /// Values of the attribute `order` that follow how input 0 lies in memory: 'A', 'K'.
  package let memoryOrders: [String]

  package init(
    _ sharing: Sharing = .views, rankZero: RankZero = .scalar, element: (@Sendable (OpContext) -> Bool)? = nil, as kind: Element = .scalar,
    readOnly: Bool = false, memoryOrders: [String] = []
  ) {
    self.sharing = sharing
    self.rankZero = rankZero
    isElement = element
    self.element = kind
    isReadOnly = readOnly
    self.memoryOrders = memoryOrders
  }

  /// The part of complex values that results are.
  package var part: ComplexPart? { if case .part(let part) = sharing { part } else { nil } }
  /// Whether a result may have the memory of input 0 at all.
  package var mayShare: Bool { if case .never = sharing { false } else { true } }
  package var isReshape: Bool { if case .reshape = sharing { true } else { false } }
}

/// A part of complex values.
package enum ComplexPart: Sendable { case real, imaginary }
