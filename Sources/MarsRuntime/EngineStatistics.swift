/// Counters since the engine was made, and gauges of now.
package struct EngineStatistics: Sendable {
  package var tasksRun = 0
  package var inlineRuns = 0
  package var runs = 0
  package var spilledBytes = 0
  package var unspilledBytes = 0
  /// Evictions that needed no writing because the file still held the bytes.
  package var cleanEvictions = 0
  package var reusedBuffers = 0
  package var freshBuffers = 0
  package var inPlaceTasks = 0
  /// Time spent in tasks, over all threads that run them: workers, and callers that wait.
  package var taskNanoseconds = 0
  /// Time between one task and the next of a thread that did not have to wait for work: dispatcher, store and their lock.
  package var dispatchNanoseconds = 0
  /// Bytes of chunks, workspaces and results now; the pool comes on top.
  package var usedBytes = 0
  package var poolBytes = 0
  /// Most bytes of `usedBytes + poolBytes` ever.
  package var peakBytes = 0
  package var limit = 0
  package init() {}
}
