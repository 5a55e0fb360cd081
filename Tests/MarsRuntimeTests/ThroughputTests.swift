import MarsBase
import MarsGraph
import MarsPlan
import MarsRuntime
import Testing

@Suite(.serialized) struct ThroughputTests {
  @Test(arguments: [1, 2]) func hundredThousandTasks(workers: Int) throws {
    var script = FakeDevice.Script()
    script.isHollow = true
    let t = TestEngine(workers: workers, script)
    let plan = PlanMaker.chain(elements: 50_000, chunk: 1, steps: 1)
    let clock = ContinuousClock()
    var best = Duration.seconds(100)
    for _ in 0..<3 {
      best = min(best, try clock.measure { try t.engine.run(plan).wait() })
    }
    print("figure: \(plan.taskCount) tasks, \(workers) workers: \(best / plan.taskCount) per task")
    #expect(best < .seconds(10))
  }

  @Test func tinyRuns() throws {
    var script = FakeDevice.Script()
    script.isHollow = true
    let t = TestEngine(inline: true, script)
    let plan = PlanMaker.chain(elements: 8, chunk: 8, steps: 0, whole: true)
    var whole = plan
    whole.tensors[0].storage = .whole
    let clock = ContinuousClock()
    let spent = try clock.measure {
      for _ in 0..<10_000 { _ = try t.engine.run(whole).results() }
    }
    print("figure: tiny run \(spent / 10_000)")
    #expect(t.engine.statistics.inlineRuns == 10_000)
    #expect(spent < .seconds(20))
  }
}
