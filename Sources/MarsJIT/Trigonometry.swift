import CLLVM
import MarsBase

extension Emitter {
  /// (sin(r)/r - 1) / r**2 and (cos(r) - 1 + r**2/2) / r**4 in r**2, |r| <= pi/4.
  private static let sinTail: [Double] = [
    -0x1.5555555555555p-3, 0x1.1111111111110p-7, -0x1.a01a01a019936p-13, 0x1.71de3a54605eep-19, -0x1.ae64541266378p-26,
    0x1.61217ec01749dp-33, -0x1.ab17a79237a19p-41,
  ]
  private static let cosTail: [Double] = [
    0x1.5555555555555p-5, -0x1.6c16c16c16c16p-10, 0x1.a01a01a019d0ap-16, -0x1.27e4fb7712bdfp-22, 0x1.1eed8deb6d561p-29,
    -0x1.9394b9c9c20a4p-37, 0x1.ab783376962cfp-45,
  ]

  /// sin or cos of float64.
  ///
  /// Up to 2**30 the argument is reduced by pi/2 in three parts; lanes beyond go to Payne and Hanek's reduction.
  func sinCos(_ x: IRValue, cosine: Bool) -> IRValue {
    let isHuge = b.fcmp(.oge, x.fabs(), x.real(0x1p30)) & b.fcmp(.olt, x.fabs(), x.real(.infinity))
    let inner = b.select(isHuge, x.real(0), x)
    let n = (inner * x.real(0x1.45f306dc9c883p-1)).rint()
    let r0 = MarsJIT.fma(-n, x.real(0x1.921fb54442d18p+0), inner)
    let p = n * x.real(0x1.1a62633145c07p-54)
    let pLost = MarsJIT.fma(n, x.real(0x1.1a62633145c07p-54), -p)
    let r1 = r0 - p
    let other = r1 - r0
    let lost = (r0 - (r1 - other)) - (p + other)
    let tail = (lost - pLost) - n * x.real(-0x1.f1976b7ed8fbcp-110)
    let shifted = (n + x.real(0x1.8p52)).bitcast(b.i64)
    let (high, low, quadrant) = (b.slot(x.type), b.slot(x.type), b.slot(shifted.type))
    b.store(r1, high)
    b.store(tail, low)
    b.store(shifted, quadrant)
    b.when(b.any(isHuge)) { self.reduceHuge(x, isHuge, high, low, quadrant) }
    let (h, l) = (b.load(x.type, high), b.load(x.type, low))
    var q = b.load(shifted.type, quadrant)
    if cosine { q = q &+ q.int(1) }
    let z = h * h
    // sin(h + l) = h + (h z S + l (1 - z/2));  cos(h + l) = 1 - z/2 + (z z C - h l)
    let s0 = h + MarsJIT.fma(h * z, polynomial(z, Emitter.sinTail), MarsJIT.fma(-(z * z.real(0.5)), l, l))
    let s = b.select(b.fcmp(.oeq, h, h.real(0)), h, s0)
    let half = z * z.real(0.5)
    let w = z.real(1) - half
    let c = w + (((z.real(1) - w) - half) + MarsJIT.fma(z * z, polynomial(z, Emitter.cosTail), -(h * l)))
    let isOdd = b.icmp(.ne, q & q.int(1), q.int(0))
    let r = b.select(isOdd, c, s)
    let sign = (q & q.int(2)).shl(62)
    let result = (r.bitcast(b.i64) ^ sign).bitcast(b.f64)
    // The reduction loses the sign of zero.
    return cosine ? result : b.select(b.fcmp(.oeq, x, x.real(0)), x, result)
  }

  /// Reduces the lanes in `which` by a C function and overwrites them in the slots; a loop, as it is rarely run and its code should be small.
  func reduceHuge(_ x: IRValue, _ which: IRValue, _ high: IRValue, _ low: IRValue, _ quadrant: IRValue) {
    let n = x.lanes
    // Memory of their own: the slots stay registers elsewhere.
    let (inputs, flags) = (b.slot(x.type), b.slot(b.vector(b.i8, n)))
    let (highs, lows, quadrants) = (b.slot(x.type), b.slot(x.type), b.slot(b.vector(b.i64, n)))
    let pair = b.slot(b.vector(b.f64, 2))
    b.store(x, inputs)
    b.store(which.zext(b.i8), flags)
    b.store(b.load(x.type, high), highs)
    b.store(b.load(x.type, low), lows)
    b.store(b.load(b.vector(b.i64, n), quadrant), quadrants)
    let address = function(Int(MARS_MATH_REM_PIO2.rawValue))
    b.each(b.index(0), b.index(n)) { lane in
      let flag = self.b.load(self.b.i8, self.b.offset(flags, bytes: lane))
      self.b.when(self.b.icmp(.ne, flag, flag.int(0))) {
        let at = lane.shl(3)
        let q = self.b.call(address, returns: self.b.i64, [self.b.load(self.b.f64, self.b.offset(inputs, bytes: at)), pair])
        self.b.store(self.b.load(self.b.f64, pair), self.b.offset(highs, bytes: at))
        self.b.store(self.b.load(self.b.f64, self.b.offset(pair, bytes: self.b.index(8))), self.b.offset(lows, bytes: at))
        self.b.store(q, self.b.offset(quadrants, bytes: at))
      }
    }
    b.store(b.load(x.type, highs), high)
    b.store(b.load(x.type, lows), low)
    b.store(b.load(b.vector(b.i64, n), quadrants), quadrant)
  }

  var mathTable: IRValue { word(ArgumentWords.mathTable).toPointer() }

  private func function(_ index: Int) -> IRValue { b.load(b.i64, b.offset(mathTable, bytes: b.index(8 * index)), align: 8).toPointer() }

  /// A C function of doubles, lane by lane.
  func perLane(_ index: mars_math_index, _ arguments: [IRValue]) -> IRValue {
    let f = function(Int(index.rawValue))
    let n = arguments[0].lanes
    if n == 1 { return b.call(f, returns: b.f64, arguments) }
    let type = b.vector(b.f64, n)
    let slots = arguments.map { _ in b.slot(type) }
    let result = b.slot(type)
    for (v, s) in zip(arguments, slots) { b.store(v, s) }
    b.each(b.index(0), b.index(n)) { lane in
      let at = lane.shl(3)
      let values = slots.map { self.b.load(self.b.f64, self.b.offset($0, bytes: at)) }
      self.b.store(self.b.call(f, returns: self.b.f64, values), self.b.offset(result, bytes: at))
    }
    return b.load(type, result)
  }

  /// A function of SLEEF on doubles: deterministic variants, so one lane and many give the same bits.
  func sleef(_ which: mars_sleef_function, _ arguments: [IRValue]) -> IRValue {
    let first = Int(MARS_MATH_FIRST_SLEEF.rawValue) + 3 * Int(which.rawValue)
    let n = arguments[0].lanes
    if n == 1 { return b.call(function(first), returns: b.f64, arguments) }
    let f = function(first + (b.nativeDoubles == 8 ? 2 : 1))
    let w = b.nativeDoubles
    return b.concat(
      stride(from: 0, to: n, by: w).map { at in
        b.call(f, returns: b.vector(b.f64, w), arguments.map { b.slice($0, at, w) })
      })
  }
}
