import Glibc

/// How often tests of size repeat themselves, or how long their chains are: `MARS_TEST_SCALE`=20 divides it by 20, for builds as slow as those with
/// a sanitizer, which look for other faults than those that only size shows.
package func scaled(_ count: Int) -> Int {
  let by = getenv("MARS_TEST_SCALE").flatMap { Int(String(cString: $0)) } ?? 1
  return by > 1 ? (count + by - 1) / by : count
}
