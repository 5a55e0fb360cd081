import Glibc
import MarsBase
import MarsGraph
import MarsPlan

// MARK: Worker threads

extension Engine {
  /// Starts worker threads up to the number asked for; the lock is held.
  func startWorkers() {
    while state.pointee.liveWorkers < state.pointee.workerCount && !state.pointee.isClosed {
      let epoch = state.pointee.epoch
      let number = state.pointee.liveWorkers
      state.pointee.liveWorkers += 1
      if !BackgroundThread.start("mars-\(number)", { self.work(epoch: epoch, number: number) }) {
        state.pointee.liveWorkers -= 1
        // With one worker everything still runs; without any, runs would hang.
        if state.pointee.liveWorkers == 0 {
          state.pointee.failAll(MarsError(.os, "cannot start a thread"))
        }
        return
      }
    }
  }

  /// What a worker remembers of its last tasks.
  private struct Pace {
    /// How many tasks to take at once.
    var most = 1
    /// Nanoseconds that a task takes.
    var average = 1e6
    /// When the last task ended; 0 after a wait.
    var ended = 0
    /// Until when to look for the next run before sleeping.
    var lookUntil = 0

    mutating func note(_ count: Int, from begin: Int, to end: Int) {
      (ended, lookUntil) = (end, end + Engine.lookNanoseconds)
      average += (Double(end - begin) / Double(count) - average) * 0.125
      most = average > 20_000 ? 1 : max(1, min(16, Int(20_000 / max(average, 100))))
    }
  }

  private func work(epoch: Int, number: Int) {
    WorkerMark.set()
    let context = TaskContext(number: number)
    var list = GrantList()
    var pace = Pace()
    lock.lock()
    let forks = state.pointee.forks
    while state.pointee.epoch == epoch && number < state.pointee.workerCount {
      state.pointee.exchange(&list, most: pace.most)
      if list.grants.isEmpty {
        rest(context, &pace)
        continue
      }
      let run = list.grants[0].run
      if run.pointee.expectsHelp && pace.average < Engine.shortNanoseconds {
        // Who has just started the run takes the next task, sooner than a thread that sleeps; if not, others are woken after this task.
        run.pointee.expectsHelp = false
      } else {
        signalIfWorkIsLeft()
      }
      let garbage = takeGarbage()
      for i in 0..<list.grants.count { context.note(list.grants[i].run, i, &state.pointee) }
      let signals = takeSignals()
      lock.unlock()
      lock.send(signals)
      if let garbage { release(garbage) }
      let begin = EngineLock.nanoseconds()
      let between = pace.ended > 0 ? begin - pace.ended : 0
      for i in 0..<list.grants.count { context.run(self, list.grants[i], list.bases.base, i) }
      pace.note(list.grants.count, from: begin, to: EngineLock.nanoseconds())
      lock.lock()
      state.pointee.statistics.taskNanoseconds += pace.ended - begin
      state.pointee.statistics.dispatchNanoseconds += between
    }
    // A worker whose task has forked goes on in the child too, where neither it nor its tasks are counted any more.
    if state.pointee.forks == forks {
      if !list.grants.isEmpty { state.pointee.busyThreads -= 1 }
      for i in 0..<list.grants.count { state.pointee.finish(list.grants[i].run, list.grants[i].task) }
      state.pointee.threadEnded(epoch: epoch) { $0.liveWorkers -= 1 }
      // Its signal may have been meant for a worker that stays.
      state.pointee.mustSignal = true
    }
    unlock()
  }

  /// What a worker does that found no task: it lets go of what it holds, looks for the next run, and sleeps.
  ///
  /// The lock is held, also on return; then there may be a task.
  private func rest(_ context: TaskContext, _ pace: inout Pace) {
    if state.pointee.mustSignal {
      // A run ended or memory came free while claiming: look again before sleeping.
      state.pointee.mustSignal = false
      if state.pointee.waitingReaders > 0 { state.pointee.mustBroadcast = true }
      return
    }
    // Before anybody is woken: who waited may drop a result at once and count on its memory.
    if let garbage = takeGarbage() {
      lock.unlock()
      release(garbage)
      lock.lock()
      return
    }
    if context.holdsPlan {
      lock.unlock()
      context.forgetPlan(trace)
      lock.lock()
      return
    }
    lock.send(takeSignals())
    pace.ended = 0
    // The thread that waits for a run helps: with all workers looking about, one too many would be awake.
    if state.pointee.lookingWorkers < state.pointee.workerCount - 1 && EngineLock.nanoseconds() < pace.lookUntil {
      let count = lock.newsCount
      state.pointee.lookingWorkers += 1
      lock.unlock()
      lock.lookForNews(since: count, until: pace.lookUntil)
      lock.lock()
      state.pointee.lookingWorkers -= 1
      return
    }
    state.pointee.idleWorkers += 1
    lock.waitForWork()
    if lock.isBesideClient {
      lock.unlock()
      lock.leaveClient()
      lock.lock()
    }
    // Who was woken too late for this run is in time for the next.
    pace.lookUntil = EngineLock.nanoseconds() + Engine.lookNanoseconds
    state.pointee.idleWorkers -= 1
  }

  /// Runs tasks of a small run on the thread that waits for it, which is awake while workers sleep; the lock is held, also on return.
  ///
  /// Only what is compiled or copied: no client's functions; until a task has taken long, the last of them begun before `end` (seconds on the
  /// monotonic clock).  Never more threads at work than there are workers.
  func help(_ run: RunCorePointer, until end: Double?) {
    guard run.pointee.plan.isHelpable && run.pointee.outcome.isRunning else { return }
    // Forks take the lock of the contexts before the engine's: nobody may wait for it with the engine's in hand.
    unlock()
    let context = inlineContexts.withLock { $0.popLast() } ?? TaskContext(number: TaskContext.caller)
    lock.lock()
    lock.noteClient()
    var list = GrantList()
    var idleSince = 0
    // How long the last task took: what others are at takes about as long.
    var taken = 0
    // When it ended.
    var ended = 0
    while true {
      let mayGoOn = taken < Engine.longNanoseconds && (end.map { EngineLock.now() < $0 } ?? true)
      state.pointee.exchange(&list, waitingFor: mayGoOn ? run : nil)
      if list.grants.isEmpty {
        ended = 0
        // The last tasks of others end soon: sleeping and being woken takes longer.
        let now = EngineLock.nanoseconds()
        if idleSince == 0 { idleSince = now }
        let isOver = end.map { Double(now) * 1e-9 >= $0 } ?? false
        let patience = min(max(taken, Engine.spinNanoseconds), Engine.mostSpinNanoseconds)
        if isOver || !mayGoOn || !run.pointee.outcome.isRunning || run.pointee.inFlight == 0 || now - idleSince > patience { break }
        unlock()
        sched_yield()
        lock.lock()
        continue
      }
      idleSince = 0
      signalIfWorkIsLeft()
      context.note(list.grants[0].run, 0, &state.pointee)
      unlock()
      let begin = EngineLock.nanoseconds()
      let between = ended > 0 ? begin - ended : 0
      context.run(self, list.grants[0], list.bases.base, 0)
      ended = EngineLock.nanoseconds()
      taken = ended - begin
      lock.lock()
      state.pointee.statistics.taskNanoseconds += taken
      state.pointee.statistics.dispatchNanoseconds += between
    }
    // What is left is for workers.
    if hasClaimable { state.pointee.mustSignal = true }
    unlock()
    context.forgetPlan(trace)
    inlineContexts.withLock { $0.append(context) }
    lock.lock()
  }

  /// How long a thread that waits looks again and again before it sleeps, at least and at most.
  private static let spinNanoseconds = 50_000
  private static let mostSpinNanoseconds = 500_000
  /// Tasks beside which waking a worker costs nothing: the thread that waits had better listen to its client.
  private static let longNanoseconds = 5_000_000
  /// Tasks that end before others could be woken to much avail.
  private static let shortNanoseconds = 200_000.0
  /// How long a worker looks for the next run before it sleeps: a loop of small operations leaves gaps of some tens of microseconds.
  private static let lookNanoseconds = 200_000

  /// One thread more may start on what is left, if one sleeps.
  @inline(__always)
  private func signalIfWorkIsLeft() {
    let s = state
    if s.pointee.idleWorkers > 0 && s.pointee.busyThreads < s.pointee.workerCount && hasClaimable { s.pointee.mustSignal = true }
  }

  var hasClaimable: Bool {
    for i in 0..<state.pointee.active.count {
      let r = state.pointee.active[i]
      if r.pointee.outcome.isRunning && (!r.pointee.ready.isEmpty || !r.pointee.loaded.isEmpty) { return true }
    }
    return false
  }
}
