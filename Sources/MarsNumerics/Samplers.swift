import Glibc
import MarsBase

/// Distributions that reject, or that draw more than one word per element.
package enum Samplers: String, Sendable, CaseIterable {
  case standardGamma = "standard_gamma"
  case gamma, beta, chisquare, f, poisson, binomial, geometric, hypergeometric, logseries, vonmises, wald, zipf, power
  case standardT = "standard_t"
  case negativeBinomial = "negative_binomial"
  case noncentralChisquare = "noncentral_chisquare"
  case noncentralF = "noncentral_f"

  /// Whether its values are integers.
  package var isDiscrete: Bool {
    switch self {
    case .poisson, .binomial, .geometric, .hypergeometric, .logseries, .zipf, .negativeBinomial: true
    case .standardGamma, .gamma, .beta, .chisquare, .f, .vonmises, .wald, .power, .standardT, .noncentralChisquare, .noncentralF: false
    }
  }

  /// One value for parameters that are allowed; of NaNs, which continuous distributions take, NaN: loops that reject would never end.
  package func draw(_ s: inout ElementStream, _ p: [Double]) -> Double {
    if !isDiscrete && p.contains(where: \.isNaN) { return .nan }
    return switch self {
    case .standardGamma: s.gamma(p[0])
    case .gamma: s.gamma(p[0]) * p[1]
    case .beta: s.beta(p[0], p[1])
    case .chisquare: s.chisquare(p[0])
    case .f: s.chisquare(p[0]) * p[1] / (s.chisquare(p[1]) * p[0])
    case .standardT: s.normal() / (s.chisquare(p[0]) / p[0]).squareRoot()
    case .noncentralChisquare: s.noncentralChisquare(p[0], p[1])
    case .noncentralF: s.noncentralChisquare(p[0], p[2]) * p[1] / (s.chisquare(p[1]) * p[0])
    case .power: pow(s.unit(), 1 / p[0])
    case .vonmises: s.vonMises(p[0], p[1])
    case .wald: s.wald(p[0], p[1])
    case .poisson: s.poisson(p[0])
    case .negativeBinomial: s.poisson(s.gamma(p[0]) * ((1 - p[1]) / p[1]))
    case .binomial: s.binomial(p[0].rounded(.towardZero), p[1])
    case .geometric: s.geometric(p[0])
    case .hypergeometric: s.hypergeometric(p[0].rounded(.towardZero), p[1].rounded(.towardZero), p[2].rounded(.towardZero))
    case .logseries: s.logSeries(p[0])
    case .zipf: s.zipf(p[0])
    }
  }

  /// What a parameter must be.
  package enum Rule: Sendable {
    /// NaN is allowed, as NumPy allows it of real parameters.
    case notNegative(Int)
    case positive(Int)
    /// A number of things that 64 bits hold, fractions cut off.
    case count(Int)
    /// The same below a limit that keeps logarithms of factorials exact enough to decide.
    case countBelowBillion(Int)
    /// 0...1
    case share(Int)
    /// The same without 0.
    case positiveShare(Int)
    /// The same without 1.
    case shareBelowOne(Int)
    case aboveOne(Int)
    /// Of a mean whose counts 64 bits hold.
    case mean(Int)
    /// No more is taken than there is.
    case sampleOfBoth
    /// A number of successes above 0 whose failures 64 bits hold.
    case successes

    /// What is wrong with parameters, of which nil is not known; `names` are theirs.
    package func problem(_ p: [Double?], _ names: [String]) -> String? {
      func failing(_ i: Int, _ what: String, _ holds: (Double) -> Bool) -> String? {
        guard let x = p[i], !holds(x) else { return nil }
        return "\(names[i]) \(what)"
      }
      switch self {
      case .notNegative(let i): return failing(i, "< 0") { !($0 < 0) }
      case .positive(let i): return failing(i, "<= 0") { !($0 <= 0) }
      case .count(let i): return failing(i, "< 0 or is NaN") { $0 >= 0 } ?? failing(i, "must be below 2**63") { $0 < 0x1p63 }
      case .countBelowBillion(let i): return failing(i, "< 0 or is NaN") { $0 >= 0 } ?? failing(i, "must be below 10**9") { $0 < 1e9 }
      case .share(let i): return failing(i, "< 0, > 1 or is NaN") { $0 >= 0 && $0 <= 1 }
      case .positiveShare(let i): return failing(i, "<= 0, > 1 or contains NaNs") { $0 > 0 && $0 <= 1 }
      case .shareBelowOne(let i): return failing(i, "< 0, >= 1 or is NaN") { $0 >= 0 && $0 < 1 }
      case .aboveOne(let i): return failing(i, "<= 1 or is NaN") { $0 > 1 }
      case .mean(let i):
        return failing(i, "< 0 or is NaN") { $0 >= 0 } ?? failing(i, "value too large") { $0 <= ElementStream.largestMean }
      case .sampleOfBoth:
        guard let good = p[0], let bad = p[1], let sample = p[2], good + bad < sample else { return nil }
        return "ngood + nbad < nsample"
      case .successes:
        if let problem = failing(0, "<= 0 or is NaN", { $0 > 0 }) { return problem }
        guard let n = p[0], let share = p[1], !((1 - share) / share * (n + 10 * n.squareRoot()) <= ElementStream.largestMean) else {
          return nil
        }
        return "\(names[0]) too large or \(names[1]) too small"
      }
    }
  }

  package var rules: [Rule] {
    switch self {
    case .standardGamma, .gamma: [.notNegative(0)] + (self == .gamma ? [.notNegative(1)] : [])
    case .beta: [.positive(0), .positive(1)]
    case .chisquare, .standardT, .power: [.positive(0)]
    case .f, .wald: [.positive(0), .positive(1)]
    case .noncentralChisquare: [.positive(0), .notNegative(1)]
    case .noncentralF: [.positive(0), .positive(1), .notNegative(2)]
    case .vonmises: [.notNegative(1)]
    case .poisson: [.mean(0)]
    case .negativeBinomial: [.positiveShare(1), .successes]
    case .binomial: [.count(0), .share(1)]
    case .geometric: [.positiveShare(0)]
    case .hypergeometric: [.countBelowBillion(0), .countBelowBillion(1), .count(2), .sampleOfBoth]
    case .logseries: [.shareBelowOne(0)]
    case .zipf: [.aboveOne(0)]
    }
  }

  /// Fills a window whose first element is number `first` of an array with these C-order strides; parameters are float64 of its shape.
  package func fill(
    _ out: ArrayView, _ parameters: [ArrayView], names: [String], key: UInt64, stream: UInt32, first: Int, strides: [Int]
  ) throws(MarsError) {
    let rules = rules
    var p = [Double](repeating: 0, count: parameters.count)
    try Strided.forEach(out.shape, [out.strides, strides] + parameters.map(\.strides)) { o throws(MarsError) in
      for i in p.indices { p[i] = (parameters[i].base + o[2 + i]).load(as: Double.self) }
      for r in rules { if let problem = r.problem(p, names) { throw MarsError(.value, problem) } }
      var words = ElementStream(key: key, stream: stream, element: UInt64(first + o[1]))
      let x = draw(&words, p)
      let at = out.base + o[0]
      switch out.dtype {
      case .int64: at.storeBytes(of: x < 0x1p63 ? Int64(x) : .max, as: Int64.self)
      case .float32: at.storeBytes(of: Float(x), as: Float.self)
      default: at.storeBytes(of: x, as: Double.self)
      }
    }
  }

  /// How often each of several results comes in trials, by binomials one after the other; counts are int64, and so is what is written, along
  /// a further axis.
  package static func multinomial(
    _ counts: ArrayView, _ shares: [Double], key: UInt64, stream: UInt32, first: Int, strides: [Int], into out: ArrayView
  ) throws(MarsError) {
    let (rows, step) = (Array(out.strides.dropLast()), out.strides[counts.rank])
    try Strided.forEach(counts.shape, [counts.strides, strides, rows]) { o throws(MarsError) in
      var words = ElementStream(key: key, stream: stream, element: UInt64(first + o[1]))
      var left = (counts.base + o[0]).load(as: Int64.self)
      guard left >= 0 else { throw MarsError(.value, "n < 0") }
      var rest = 1.0
      for (k, p) in shares.enumerated() {
        var n = left
        if k < shares.count - 1 {
          let drawn = left > 0 && rest > 0 ? words.binomial(Double(left), Swift.min(1, Swift.max(0, p / rest))) : 0
          // Beyond 2**53 a double may be more than there are.
          n = Swift.min(left, Int64(exactly: drawn) ?? left)
        }
        (out.base + o[2] + k * step).storeBytes(of: n, as: Int64.self)
        left -= n
        rest -= p
      }
    }
  }
}
