import MarsBase
import MarsPlan

typealias RunCorePointer = UnsafeMutablePointer<RunCore>

/// Everything that the engine's lock guards: runs, blocks, pool and queues, as dense arrays.
struct EngineState: ~Copyable {
  var limit: Int
  /// Capacity of blocks in memory, workspaces and results handed out.
  var used = 0
  var peak = 0
  var pool: BufferPool
  var blocks = Column<Block>()
  var freeBlocks = Column<Int32>()

  /// Runs by index; nil where free.
  var runTable = Column<RunCorePointer?>()
  /// Runs that may have tasks, first come first served.
  var active = Column<RunCorePointer>()
  /// The same runs, kept alive.
  var activeRuns: [Run] = []
  /// Retained objects to be released when the lock is not held, so that no deinitialiser runs under it.
  var graveyard = Column<Unmanaged<AnyObject>>()
  /// Threads that release what was in it.
  var releasing = 0
  /// Threads that wait for them.
  var settling = 0
  var nextSequence = 0

  // Eviction; candidates are collected once memory has become short.
  var isShort = false
  var candidates = Heap<EvictionCandidate>()
  /// Whether blocks that are hardly worth a write are candidates too: nothing else is left.
  var evictsSmall = false
  /// Which parts of the spill files are in use, by their numbers.
  var spilled: [ExtentList] = []
  let spill: SpillFile
  var writeQueue = Column<Int32>()
  var readQueue = Column<Int32>()
  var ioInFlight = 0
  /// Bytes that will be free when the writes under way have ended.
  var evictingBytes = 0
  /// Why the last write failed; evictions pause until a run that needed the memory has been told.
  var spillFailure: MarsError? = nil
  var restoreFailures: [Int32: MarsError] = [:]
  /// Pins of readers outside of runs.
  var readerPins = 0
  var waitingReaders = 0

  var running = 0
  /// Threads that hold tasks: workers, and threads that wait for a run; never more than there are workers.
  var busyThreads = 0
  var idleWorkers = 0
  /// Workers that look for work without the lock for a moment before they sleep.
  var lookingWorkers = 0
  var workerCount = 0
  var liveWorkers = 0
  var liveSpillers = 0
  /// Threads of older epochs that have not ended yet.
  var endingThreads = 0
  /// Grows at shutdown and in the child of a fork; threads of an older epoch end.
  var epoch = 0
  /// Forks that led to this process since the engine was made.
  var forks = 0
  var isClosed = false
  /// Something that waiters look at has changed.
  var mustBroadcast = false
  /// Something happened that may let an idle worker go on.
  var mustSignal = false

  /// Bytes of warm buffers kept when nothing runs.
  var idlePool: Int

  var statistics = EngineStatistics()
  let files: any FileSystem

  init(options: EngineOptions, spill: SpillFile) {
    self.spill = spill
    files = options.files
    limit = options.memoryLimit
    workerCount = options.workers
    idlePool = options.idlePoolBytes ?? min(options.memoryLimit / 4, 1 << 30)
    pool = BufferPool(memory: options.memory)
  }
}

extension EngineState {
  /// Tells all threads to end; new ones are started with the next run.
  mutating func endThreads() {
    epoch += 1
    endingThreads += liveWorkers + liveSpillers
    liveWorkers = 0
    liveSpillers = 0
    mustBroadcast = true
  }

  /// A thread ends; `count` takes it from the threads of the current epoch.
  mutating func threadEnded(epoch: Int, _ count: (inout EngineState) -> Void) {
    if epoch == self.epoch { count(&self) } else { endingThreads -= 1 }
    mustBroadcast = true
  }

  /// Keeps an object alive until the lock is not held.
  mutating func bury(_ object: AnyObject) { graveyard.append(.passRetained(object)) }
}

// MARK: Blocks

extension EngineState {
  /// Whether `need` more bytes fit beside what is in use, warm buffers given up if necessary.
  @inline(__always)
  func fits(_ need: Int) -> Bool { used + need <= limit }

  /// Bytes in use that nothing can move to disk now: workspaces, what clients hold, blocks that tasks or readers work on.
  var heldBytes: Int {
    var movable = 0
    for i in 0..<blocks.count
    where blocks[i].pins == 0 && blocks[i].refs > 0 && (blocks[i].state == .resident || blocks[i].state == .spilling) {
      movable += blocks[i].capacity
    }
    return used - movable
  }

  /// A buffer of `capacity` bytes that counts as used; nil if the system has none.
  mutating func allocate(_ capacity: Int) -> UnsafeMutableRawPointer? {
    pool.makeRoom(for: capacity, in: limit - used)
    var base = pool.take(capacity)
    if base == nil && pool.freeBytes > 0 {
      pool.trim(to: 0)
      base = pool.take(capacity)
    }
    guard let base else { return nil }
    used += capacity
    if used + pool.freeBytes > peak { peak = used + pool.freeBytes }
    return base
  }

  mutating func deallocate(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
    used -= capacity
    pool.put(base, capacity)
    mustSignal = true
  }

  /// A block in memory with one reference and no pins; -1 if the system has no memory.
  mutating func makeBlock(_ capacity: Int) -> Int32 {
    guard let base = allocate(capacity) else { return -1 }
    return adoptBlock(base, capacity)
  }

  /// A block around a buffer that already counts as used.
  mutating func adoptBlock(_ base: UnsafeMutableRawPointer, _ capacity: Int) -> Int32 {
    let b = Block(
      base: base, capacity: capacity, fileOffset: -1, volume: 0, checksum: 0, nextUse: Int.max, owner: -1, slot: -1, pins: 0, refs: 1,
      state: .resident,
      isDirty: false, isLost: false)
    if let i = freeBlocks.popLast() {
      blocks[i] = b
      return i
    }
    blocks.append(b)
    return Int32(blocks.count - 1)
  }

  @inline(__always)
  mutating func pin(_ b: Int32, forWriting: Bool) {
    blocks.base[Int(b)].pins += 1
    if forWriting { blocks.base[Int(b)].isDirty = true }
  }

  /// Takes a pin away; the block becomes a candidate for eviction when it was the last.
  @inline(__always)
  mutating func unpin(_ b: Int32) {
    blocks.base[Int(b)].pins -= 1
    if isShort && blocks[b].pins == 0 && blocks[b].refs > 0 { enlist(b) }
  }

  /// Takes a reference away and frees the block after the last.
  mutating func release(_ b: Int32) {
    blocks.base[Int(b)].refs -= 1
    freeIfUnused(b)
  }

  mutating func freeIfUnused(_ i: Int32) {
    let b = blocks[i]
    if b.refs > 0 || b.pins > 0 || b.state == .free { return }
    // While a spill thread has the buffer, it frees the block when it is done.
    if b.state == .spilling || b.state == .restoring { return }
    if let base = b.base { deallocate(base, b.capacity) }
    dropFileCopy(i)
    blocks[i].state = .free
    blocks[i].base = nil
    freeBlocks.append(i)
  }

  mutating func dropFileCopy(_ i: Int32) {
    if blocks[i].fileOffset >= 0 {
      if !blocks[i].isLost { freeOnDisk(Int(blocks[i].volume), blocks[i].fileOffset, blocks[i].capacity) }
      blocks[i].fileOffset = -1
    }
  }

  // MARK: Eviction

  /// Enters an unpinned block among the candidates for eviction.
  mutating func enlist(_ i: Int32) {
    var use = Int.max
    if blocks[i].owner >= 0, let core = runTable[blocks[i].owner] { use = core.pointee.nextUse(ofSlot: blocks[i].slot) }
    blocks[i].nextUse = use
    if blocks[i].state == .resident && (evictsSmall || blocks[i].capacity >= 4096) { candidates.push(.init(nextUse: use, block: i)) }
  }

  private mutating func collectCandidates() {
    isShort = true
    candidates.removeAll()
    for i in 0..<blocks.count where blocks[i].state == .resident && blocks[i].pins == 0 && blocks[i].refs > 0 { enlist(Int32(i)) }
  }

  /// Starts writing out blocks until `need` bytes will fit; only blocks used after task `beyond`.
  mutating func evict(toFit need: Int, beyond: Int) {
    if spillFailure != nil || used - evictingBytes + need <= limit { return }
    if !isShort || candidates.count > 2 * blocks.count + 1024 { collectCandidates() }
    evictCandidates(need, beyond)
    if beyond == Int.min && !evictsSmall && used - evictingBytes + need > limit {
      evictsSmall = true
      collectCandidates()
      evictCandidates(need, beyond)
    }
  }

  private mutating func evictCandidates(_ need: Int, _ beyond: Int) {
    while used - evictingBytes + need > limit, let c = candidates.smallest, c.nextUse > beyond {
      candidates.popSmallest()
      let b = blocks[c.block]
      guard b.state == .resident, b.pins == 0, b.refs > 0, b.nextUse == c.nextUse, let base = b.base else { continue }
      if b.fileOffset >= 0 && !b.isDirty && !b.isLost {
        blocks[c.block].state = .spilled
        blocks[c.block].base = nil
        deallocate(base, b.capacity)
        statistics.cleanEvictions += 1
        continue
      }
      dropFileCopy(c.block)
      blocks[c.block].isLost = false
      blocks[c.block].state = .spilling
      blocks[c.block].isDirty = false
      evictingBytes += b.capacity
      writeQueue.append(c.block)
      ioInFlight += 1
    }
  }

  /// The outcome of writing block `i` to a spill file.
  mutating func wrote(_ i: Int32, in volume: Int, at offset: Int, checksum: UInt64, error: MarsError?) {
    ioInFlight -= 1
    evictingBytes -= blocks[i].capacity
    blocks[i].state = .resident
    if let error {
      if offset >= 0 { freeOnDisk(volume, offset, blocks[i].capacity) }
      spillFailure = error
      if blocks[i].refs > 0 && blocks[i].pins == 0 { enlist(i) }
    } else {
      blocks[i].fileOffset = offset
      blocks[i].volume = Int32(volume)
      blocks[i].checksum = checksum
      statistics.spilledBytes += blocks[i].capacity
      let b = blocks[i]
      if b.isDirty { dropFileCopy(i) }
      if b.pins == 0 && b.refs > 0 && !b.isDirty, let base = b.base {
        blocks[i].state = .spilled
        blocks[i].base = nil
        deallocate(base, b.capacity)
      }
    }
    freeIfUnused(i)
    mustSignal = true
    mustBroadcast = true
  }

  /// Begins to read a spilled block back; false if the system has no memory.  The caller has made sure that it fits, and pins it.
  mutating func startRestoring(_ i: Int32) -> Bool {
    guard let base = allocate(blocks[i].capacity) else { return false }
    blocks[i].base = base
    blocks[i].state = .restoring
    // From here on: a task that is to write to it marks it before the bytes have come back.
    blocks[i].isDirty = false
    restoreFailures[i] = nil
    readQueue.append(i)
    ioInFlight += 1
    return true
  }

  /// The outcome of reading block `i`.
  mutating func restored(_ i: Int32, error: MarsError?) {
    ioInFlight -= 1
    if let error {
      blocks[i].state = .spilled
      if let base = blocks[i].base { deallocate(base, blocks[i].capacity) }
      blocks[i].base = nil
      restoreFailures[i] = error
    } else {
      blocks[i].state = .resident
      statistics.unspilledBytes += blocks[i].capacity
      if isShort && blocks[i].pins == 0 && blocks[i].refs > 0 { enlist(i) }
    }
    advanceLoading(i, error)
    freeIfUnused(i)
    mustSignal = true
    mustBroadcast = true
  }
}
