import Glibc

/// Draws from distributions by the words of one element.
extension ElementStream {
  private func logFactorial(_ n: Double) -> Double { lgamma(n + 1).0 }

  mutating func exponential() -> Double { -log(unit()) }

  /// Marsaglia and Bray, "A convenient method for generating normal variables", 1964.
  mutating func normal() -> Double {
    while true {
      let (u, v) = (2 * unit() - 1, 2 * unit() - 1)
      let r = u * u + v * v
      if r < 1 { return u * (-2 * log(r) / r).squareRoot() }
    }
  }

  /// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; shapes below 1 by one more uniform number.
  mutating func gamma(_ shape: Double) -> Double {
    // NaN would be rejected for ever.
    guard shape > 0 else { return shape == 0 ? 0 : .nan }
    if shape == 1 { return exponential() }
    if shape < 1 { return pow(unit(), 1 / shape) * gamma(shape + 1) }
    let d = shape - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      let u = unit()
      if u < 1 - 0.0331 * (x * x) * (x * x) || log(u) < 0.5 * x * x + d * (1 - v + log(v)) { return d * v }
    }
  }

  mutating func chisquare(_ freedom: Double) -> Double { 2 * gamma(freedom / 2) }

  /// Jöhnk 1964 where both are at most 1, in logarithms where powers vanish; else by two gamma numbers.
  mutating func beta(_ a: Double, _ b: Double) -> Double {
    guard a <= 1 && b <= 1 else {
      let x = gamma(a)
      return x / (x + gamma(b))
    }
    while true {
      let (u, v) = (unit(), unit())
      let (x, y) = (pow(u, 1 / a), pow(v, 1 / b))
      guard x + y <= 1 else { continue }
      if x + y > 0 { return x / (x + y) }
      let (p, q) = (log(u) / a, log(v) / b)
      let most = Swift.max(p, q)
      return exp(p - most - log(exp(p - most) + exp(q - most)))
    }
  }

  mutating func noncentralChisquare(_ freedom: Double, _ nonc: Double) -> Double {
    if nonc == 0 { return chisquare(freedom) }
    if freedom > 1 {
      let rest = chisquare(freedom - 1)
      let n = normal() + nonc.squareRoot()
      return rest + n * n
    }
    return chisquare(freedom + 2 * poisson(nonc / 2))
  }

  /// Ten standard deviations below 2**63: counts of larger means do not fit 64 bits.
  package static let largestMean = 9.223372006484771e18

  /// Products of uniform numbers below a mean of 10; normal numbers above the largest mean; else PTRS of Hörmann, "The transformed rejection
  /// method for generating Poisson random variables", 1993.
  mutating func poisson(_ mean: Double) -> Double {
    if mean == 0 { return 0 }
    // The mean of another distribution's draw: of all digits of the count only the first matter, and infinity would be rejected for ever.
    if mean > Self.largestMean { return mean.isFinite ? mean + mean.squareRoot() * normal() : mean }
    guard mean >= 10 else {
      let limit = exp(-mean)
      var (n, product) = (0.0, unit())
      while product > limit {
        product *= unit()
        n += 1
      }
      return n
    }
    let root = mean.squareRoot()
    let b = 0.931 + 2.53 * root
    let a = -0.059 + 0.02483 * b
    let inverse = 1.1239 + 1.1328 / (b - 3.4)
    let squeeze = 0.9277 - 3.6224 / (b - 2)
    while true {
      let (u, v) = (unit() - 0.5, unit())
      let us = 0.5 - Swift.abs(u)
      let k = ((2 * a / us + b) * u + mean + 0.43).rounded(.down)
      if us >= 0.07 && v <= squeeze { return k }
      if k < 0 || us < 0.013 && v > us { continue }
      if log(v * inverse / (a / (us * us) + b)) <= k * log(mean) - mean - logFactorial(k) { return k }
    }
  }

  /// Waiting times below a mean of 10; else BTRS of Hörmann, "The generation of binomial random variates", 1993.
  mutating func binomial(_ n: Double, _ p: Double) -> Double {
    if n == 0 || p == 0 { return 0 }
    if p == 1 { return n }
    if p > 0.5 { return n - binomial(n, 1 - p) }
    guard n * p >= 10 else {
      let miss = log1p(-p)
      var (successes, trials) = (0.0, 0.0)
      while true {
        trials += (log(unit()) / miss).rounded(.down) + 1
        if trials > n { return successes }
        successes += 1
      }
    }
    let deviation = (n * p * (1 - p)).squareRoot()
    let b = 1.15 + 2.53 * deviation
    let a = -0.0873 + 0.0248 * b + 0.01 * p
    let centre = n * p + 0.5
    let squeeze = 0.92 - 4.2 / b
    let alpha = (2.83 + 5.1 / b) * deviation
    let odds = log(p / (1 - p))
    let mode = ((n + 1) * p).rounded(.down)
    let top = logFactorial(mode) + logFactorial(n - mode)
    while true {
      let (u, v) = (unit() - 0.5, unit())
      let us = 0.5 - Swift.abs(u)
      let k = ((2 * a / us + b) * u + centre).rounded(.down)
      if k < 0 || k > n { continue }
      if us >= 0.07 && v <= squeeze { return k }
      if log(v * alpha / (a / (us * us) + b)) <= top - logFactorial(k) - logFactorial(n - k) + (k - mode) * odds { return k }
    }
  }

  mutating func geometric(_ p: Double) -> Double {
    p == 1 ? 1 : Swift.max(1, (log(unit()) / log1p(-p)).rounded(.up))
  }

  /// One draw after the other for small samples; else HRUA of Stadlober, "Sampling from Poisson, binomial and hypergeometric distributions:
  /// ratio of uniforms as a simple and fast alternative", 1989.
  mutating func hypergeometric(_ good: Double, _ bad: Double, _ sample: Double) -> Double {
    let all = good + bad
    if sample == 0 || good == 0 { return 0 }
    if bad == 0 { return sample }
    // As many are left as are taken: the smaller number is drawn, and the rarer kind counted.
    let taken = Swift.min(sample, all - sample)
    let (rare, common) = (Swift.min(good, bad), Swift.max(good, bad))
    var k = 0.0
    if taken < 10 {
      var (rareLeft, allLeft) = (rare, all)
      for _ in 0..<Int(taken) {
        if unit() * allLeft < rareLeft {
          k += 1
          rareLeft -= 1
        }
        allLeft -= 1
      }
    } else {
      let (p, q) = (rare / all, common / all)
      let a = taken * p + 0.5
      let c = ((all - taken) * taken * p * q / (all - 1) + 0.5).squareRoot()
      let h = 2 * (2 / M_E).squareRoot() * c + (3 - 2 * (3 / M_E).squareRoot())
      let mode = ((taken + 1) * (rare + 1) / (all + 2)).rounded(.down)
      func weight(_ x: Double) -> Double {
        logFactorial(x) + logFactorial(rare - x) + logFactorial(taken - x) + logFactorial(common - taken + x)
      }
      let top = weight(mode)
      let end = Swift.min(Swift.min(taken, rare) + 1, (a + 16 * c).rounded(.down))
      while true {
        let (u, v) = (unit(), unit())
        let x = a + h * (v - 0.5) / u
        if x < 0 || x >= end { continue }
        k = x.rounded(.down)
        let t = top - weight(k)
        if u * (4 - u) - 3 <= t { break }
        if u * (u - t) >= 1 { continue }
        if 2 * log(u) <= t { break }
      }
    }
    if good > bad { k = taken - k }
    return taken < sample ? good - k : k
  }

  /// LK of Kemp, "Efficient generation of logarithmically distributed pseudo-random variables", 1981.
  mutating func logSeries(_ p: Double) -> Double {
    if p == 0 { return 1 }
    let r = log1p(-p)
    let v = unit()
    if v >= p { return 1 }
    let q = -expm1(r * unit())
    if v <= q * q { return Swift.max(1, (1 + log(v) / log(q)).rounded(.down)) }
    return v >= q ? 1 : 2
  }

  /// Best and Fisher, "Efficient simulation of the von Mises distribution", 1979.
  mutating func vonMises(_ centre: Double, _ kappa: Double) -> Double {
    var angle: Double
    if kappa < 1e-8 {
      angle = Double.pi * (2 * unit() - 1)
    } else if kappa > 1e6 {
      // Normal, as far as doubles can tell.
      angle = normal() / kappa.squareRoot()
    } else {
      // The parameter of the wrapped Cauchy distribution that lies above; for small kappa by the beginning of its series.
      let r = 1 + (1 + 4 * kappa * kappa).squareRoot()
      let rho = (r - (2 * r).squareRoot()) / (2 * kappa)
      let s = kappa < 1e-5 ? 1 / kappa + kappa : (1 + rho * rho) / (2 * rho)
      var w = 0.0
      while true {
        let z = cos(Double.pi * unit())
        w = (1 + s * z) / (s + z)
        let y = kappa * (s - w)
        let v = unit()
        if y * (2 - y) - v >= 0 || log(y / v) + 1 - y >= 0 { break }
      }
      angle = acos(Swift.max(-1, Swift.min(1, w)))
      if unit() < 0.5 { angle = -angle }
    }
    angle += centre
    return angle.isFinite ? remainder(angle, 2 * Double.pi) : angle
  }

  /// Michael, Schucany and Haas, "Generating random variates using transformations with multiple roots", 1976.
  mutating func wald(_ mean: Double, _ scale: Double) -> Double {
    let n = normal()
    let c = mean * n * n / (2 * scale)
    // The smaller root, without cancellation.
    let x = mean / (1 + c + (2 * c + c * c).squareRoot())
    return unit() <= mean / (mean + x) ? x : mean * (mean / x)
  }

  /// Devroye, "Non-uniform random variate generation", 1986, X.6.1, of those below 2**63.
  mutating func zipf(_ a: Double) -> Double {
    if a >= 1025 { return 1 }
    let e = a - 1
    let b = pow(2, e)
    let least = pow(0x1p63, -e)
    while true {
      let share = unit()
      let u = share * least + (1 - share)
      let v = unit()
      let x = pow(u, -1 / e).rounded(.down)
      guard x >= 1 && x < 0x1p63 else { continue }
      let t = pow(1 + 1 / x, e)
      if v * x * (t - 1) / (b - 1) <= t / b { return x }
    }
  }
}
