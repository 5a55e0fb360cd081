import MarsBase
import MarsGraph
import MarsOps
import Testing

/// What types determine is raised at the call, with NumPy's words.
@Suite struct ErrorTests {
  private func error(_ name: String, _ inputs: [RefArray], _ attributes: [(String, AttrValue)] = []) -> MarsError? {
    do throws(MarsError) {
      _ = try marsRegistry.require(name).apply(inputs.map { .value($0.node()) }, attributes)
      return nil
    } catch { return error }
  }
  private func array(_ shape: Int..., of d: DType = .float64) -> RefArray { RefArray(TensorType(d, shape)) }

  @Test func wording() {
    let cases: [(MarsError?, MarsError.Code, String)] = [
      (error("add", [array(2), array(3)]), .value, "operands could not be broadcast together with shapes (2,) (3,)"),
      (error("sum", [array(2)], [("axis", .int(3))]), .axis, "axis 3 is out of bounds for array of dimension 1"),
      (error("sum", [array(2, 2)], [("axis", .ints([0, 0]))]), .value, "duplicate value in 'axis'"),
      (error("min", [array(0)]), .value, "zero-size array to reduction operation minimum which has no identity"),
      (error("argmax", [array(0)]), .value, "attempt to get argmax of an empty sequence"),
      (error("reshape", [array(6)], [("shape", .ints([4, -1]))]), .value, "cannot reshape array of size 6 into shape (4,-1)"),
      (error("dot", [array(2, 3), array(2)]), .value, "shapes (2,3) and (2,) not aligned: 3 (dim 1) != 2 (dim 0)"),
      (error("concatenate", [array()]), .value, "zero-dimensional arrays cannot be concatenated"),
      (
        error("boolean_mask", [array(4), array(3, of: .bool)]), .index,
        "boolean index did not match indexed array along axis 0; size of axis is 4 but size of corresponding boolean axis is 3"
      ),
      (error("zeros", [], [("shape", .ints([-2]))]), .value, "negative dimensions are not allowed"),
      (error("squeeze", [array(2)], [("axis", .int(0))]), .value, "cannot select an axis to squeeze out which has size not equal to one"),
    ]
    for (e, code, message) in cases {
      #expect(e?.code == code && e?.message == message, "\(String(describing: e)) instead of \(message)")
    }
    #expect(error("subtract", [array(2, of: .bool), array(2, of: .bool)])?.code == .type)
    #expect(error("sin", [array(2), array(2)])?.code == .type)
  }

  @Test func viewsStayInside() {
    func view(_ axes: [Int], _ starts: [Int], _ steps: [Int], _ shape: [Int]) -> MarsError.Code? {
      error("view", [array(4, 6)], [("axes", .ints(axes)), ("starts", .ints(starts)), ("steps", .ints(steps)), ("shape", .ints(shape))])?
        .code
    }
    #expect(view([0, 1], [0, 0], [1, 1], [4, 6]) == nil)
    #expect(view([0, 1], [1, 0], [1, 1], [4, 6]) == .index)
    #expect(view([0, 1], [0, 5], [1, -1], [4, 7]) == .index)
    #expect(view([0, -1], [0, 6], [1, 1], [4]) == .index)
    #expect(view([0, 1], [0, 0], [Int.max, 1], [4, 6]) == .index)
    #expect(view([0], [0], [1], [4]) == .value)
    #expect(view([0, 5], [0, 0], [1, 1], [4, 6]) == .value)
  }

  @Test func rechunkPinsItsChunks() throws {
    let op = try marsRegistry.require("rechunk")
    let node = try op.apply([.value(array(5, 4).node())], [("chunk_size", .ints([2, -1]))])
    #expect(op.pinsChunks?(node.context)?.map(\.sizes) == [[2, 2, 1], [4]])
    let splits = try op.apply([.value(array(5, 4).node())], [("splits", .ints([2, 1, 4, 1, 4]))])
    #expect(op.pinsChunks?(splits.context)?.map(\.sizes) == [[1, 4], [4]])
    let mixed = try op.apply([.value(array(5, 4).node())], [("splits", .ints([2, 1, 4, -1, 3]))])
    #expect(op.pinsChunks?(mixed.context)?.map(\.sizes) == [[1, 4], [3, 1]])
    #expect(
      error("rechunk", [array(5)], [("splits", .ints([-1, 0]))])?.message
        == "chunk_size must be positive, or -1 for a whole axis, but an extent of chunks is 0")
    #expect(error("rechunk", [array(5)], [("splits", .ints([-1]))])?.message == "splits are malformed")
    #expect(error("rechunk", [array(5)], [("splits", .ints([2, 1, 3]))])?.code == .value)
    #expect(error("rechunk", [array(5)], [("splits", .ints([9, 1, 3]))])?.code == .value)
  }

  @Test func loopsOverRealValuesRefuseComplexOnes() {
    for name in ["min_real", "max_real", "fmin_real", "argmin_real", "argmax_real", "prod_real"] {
      #expect(error(name, [array(3, of: .complex128)])?.code == .type, "\(name)")
    }
    #expect(error("reduce_complex", [array(3)], [("kind", .string("min"))])?.code == .type)
    #expect(error("reduce_complex", [array(3, of: .complex64)], [("kind", .string("median"))])?.code == .value)
  }

  @Test func rangesWithoutEnd() {
    func range(_ start: Scalar, _ stop: Scalar, _ step: Scalar) -> MarsError.Code? {
      error("arange", [], [("start", .scalar(start)), ("stop", .scalar(stop)), ("step", .scalar(step))])?.code
    }
    #expect(range(Scalar(0.0), Scalar(-Double.infinity), Scalar(1.0)) == nil)
    #expect(range(Scalar(0.0), Scalar(Double.infinity), Scalar(1.0)) == .value)
    #expect(range(Scalar(0.0), Scalar(Double.nan), Scalar(1.0)) == .value)
    #expect(range(Scalar(Int64(0)), Scalar(Int64.min), Scalar(Int64(-1))) == .value)
    #expect(range(Scalar(Int64(0)), Scalar(Int64.max), Scalar(Int64(-1))) == nil)
    #expect(error("diag", [array(3)], [("k", .int(.min))])?.code == .value)
    #expect(error("diff", [array(20_000)], [("n", .int(1 << 62))])?.code == .unsupported)
  }

  @Test func knownValuesAreCheckedAtTheCall() throws {
    let x = array(3)
    #expect(error("quantile", [x, RefArray([2], [0.5, -0.1])])?.message == "Quantiles must be in the range [0, 1]")
    #expect(error("quantile", [x, RefArray([2], [0.5, .nan], .float16)])?.code == .value)
    #expect(error("percentile", [x, RefArray([2], [0, 101], .int32)])?.message == "Percentiles must be in the range [0, 100]")
    #expect(error("percentile", [x, RefArray([2], [0, 100], .int32)]) == nil)
    let falling = RefArray([3], [1, 3, 2])
    #expect(error("histogram_counts", [x, falling])?.message == "`bins` must increase monotonically, when an array")
    #expect(error("histogram_counts", [x, RefArray([3], [1, 1, 2])]) == nil)
    // What has to be computed first is no error yet.
    let computed = try marsRegistry.require("negative").apply([.value(falling.node())])
    #expect(throws: Never.self) { try marsRegistry.require("histogram_counts").apply([.value(x.node()), .value(Value(computed))]) }
  }

  @Test func placesToWriteTo() {
    let x = array(3)
    #expect(error("put", [x, array(1), x])?.code == .type)
    #expect(error("put", [x, array(0), x]) == nil)
    #expect(error("put", [array(0), array(1, of: .int64), x])?.message == "cannot replace elements of an empty array")
    #expect(error("put", [x, array(1, of: .int64), x], [("mode", .string("turn"))])?.code == .value)
  }

  @Test func argumentsThatBelongTogether() {
    #expect(error("histogram", [array(3)], [("low", .scalar(Scalar(.nan)))])?.message == "supplied range of [nan, None] is not finite")
    let (mask, x) = (array(3, of: .bool), array(3))
    #expect(error("select", [x, mask, x], [("conditions", .int(1))]) == nil)
    let lists = "list of cases must be same length as list of conditions"
    #expect(error("select", [x, mask, mask, mask, x], [("conditions", .int(3))])?.message == lists)
    #expect(error("select", [x, mask, mask])?.message == nil)
    #expect(error("select", [x, mask])?.message == lists)
    let width: (String, AttrValue) = ("pad_width", .ints([1, 1]))
    #expect(error("pad", [x, array()], [width, ("mode", .string("edge"))])?.code == .value)
  }
}
