import MarsBase
import MarsNumerics
import Testing

@Suite struct OrderingTests {
  @Test func sortsWithNaNLast() throws {
    let x = Memory([2, 4], .float64, [3, .nan, -1, 2, 0, -.infinity, .infinity, .nan] as [Double])
    let y = Memory([2, 4], .float64)
    try Ordering.sort(x.view, into: y.view, axis: 1)
    let v = y.values(Double.self)
    #expect(Array(v[0..<3]) == [-1, 2, 3] && v[3].isNaN)
    #expect(Array(v[4..<7]) == [-.infinity, 0, .infinity] && v[7].isNaN)
    try Ordering.sort(x.view, into: y.view, axis: 0)
    #expect(y.values(Double.self)[0] == 0 && y.values(Double.self)[4] == 3)
  }

  @Test func argsortIsStable() throws {
    let x = Memory([6], .int32, [2, 1, 2, 1, 0, 2] as [Int32])
    let y = Memory([6], .int64)
    try Ordering.argsort(x.view, into: y.view, axis: 0)
    #expect(y.values(Int64.self) == [4, 1, 3, 0, 2, 5])
  }

  @Test func searches() throws {
    let s = Memory([4], .float32, [1, 2, 2, 5] as [Float])
    let v = Memory([5], .float32, [0, 2, 3, 9, .nan] as [Float])
    let o = Memory([5], .int64)
    try Search.places(s.view, v.view, right: false, into: o.view)
    #expect(o.values(Int64.self) == [0, 1, 3, 4, 4])
    try Search.places(s.view, v.view, right: true, into: o.view)
    #expect(o.values(Int64.self) == [0, 3, 3, 4, 4])
  }

  @Test func complexOrderHasNaNGroups() {
    typealias C = ComplexElement<Double>
    let ordered = [C(1, 0), C(1, 2), C(0, .nan), C(.nan, 0), C(.nan, .nan)]
    for i in ordered.indices { for j in ordered.indices { #expect(C.precedes(ordered[i], ordered[j]) == (i < j)) } }
  }

  @Test func scansAndSelects() throws {
    let x = Memory([2, 3], .int64, [1, 2, 3, 4, 5, 6] as [Int64])
    let y = Memory([2, 3], .int64)
    let (row, column) = (Memory([1, 3], .int64), Memory([2, 1], .int64))
    try Lanes.scan(.sum, x.view, into: y.view, axis: 1, before: nil, last: column.view)
    #expect(y.values(Int64.self) == [1, 3, 6, 4, 9, 15])
    #expect(column.values(Int64.self) == [6, 15])
    try Lanes.scan(.sum, x.view, into: y.view, axis: 1, before: column.view, last: column.view)
    #expect(y.values(Int64.self) == [7, 9, 12, 19, 24, 30])
    #expect(column.values(Int64.self) == [12, 30])
    try Lanes.scan(.product, x.view, into: y.view, axis: 0, before: nil, last: row.view)
    #expect(y.values(Int64.self) == [1, 2, 3, 4, 10, 18])
    #expect(row.values(Int64.self) == [4, 10, 18])
    try Lanes.scan(.largest, x.view, into: y.view, axis: 0, before: row.view, last: row.view)
    #expect(y.values(Int64.self) == [4, 10, 18, 4, 10, 18])
    #expect(row.values(Int64.self) == [4, 10, 18])
    let m = Memory([2], .bool, [0, 1] as [UInt8])
    #expect(try Lanes.select(x.view, mask: m.view, into: y.view) == 1)
    #expect(Array(y.values(Int64.self)[0..<3]) == [4, 5, 6])
  }

  @Test func takeChecksBounds() throws {
    let x = Memory([3, 2], .int16, [1, 2, 3, 4, 5, 6] as [Int16])
    let i = Memory([2], .int64, [-1, 0] as [Int64])
    let y = Memory([2, 2], .int16)
    try Lanes.take(x.view, indices: i.view, axis: 0, into: y.view)
    #expect(y.values(Int16.self) == [5, 6, 1, 2])
    let bad = Memory([1], .int64, [3] as [Int64])
    #expect(throws: MarsError.self) { try Lanes.take(x.view, indices: bad.view, axis: 0, into: Memory([1, 2], .int16).view) }
  }
}
