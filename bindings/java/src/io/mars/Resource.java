package io.mars;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/** An object that owns one reference to something native. */
abstract sealed class Resource implements AutoCloseable permits Graph, NDArray, Run, Session, Tensor {
  static final Cleaner CLEANER = Cleaner.create();

  /**
   * The native reference, apart from the object, so that it outlives it. Its owner and every call that is under way count as users; the last
   * one to go releases it. So closing in one thread never pulls memory away from a call in another.
   */
  static final class State implements Runnable {
    private static final int CLOSED = 1 << 31;

    private final long pointer;
    private final LongConsumer release;
    /** Number of users; the top bit is set once the owner has gone. */
    private final AtomicInteger users = new AtomicInteger(1);

    State(long pointer, LongConsumer release) {
      this.pointer = pointer;
      this.release = release;
    }

    /** One more user, unless the owner has gone. */
    boolean acquire() {
      int n = users.get();
      while (n > 0) {
        int seen = users.compareAndExchange(n, n + 1);
        if (seen == n) return true;
        n = seen;
      }
      return false;
    }

    /** One user less. */
    void drop() {
      if ((users.decrementAndGet() & ~CLOSED) == 0) release.accept(pointer);
    }

    /** The owner goes; the cleaner sees to it that this happens once. */
    @Override
    public void run() {
      users.getAndUpdate(n -> n | CLOSED);
      drop();
    }
  }

  private final State state;
  private final Cleaner.Cleanable cleanable;

  Resource(long pointer, LongConsumer release) {
    state = new State(pointer, release);
    cleanable = CLEANER.register(this, state);
  }

  final State state() {
    return state;
  }

  /** The native reference, valid until {@link #drop}. */
  final long acquire() {
    try {
      if (!state.acquire()) throw new IllegalStateException("this " + getClass().getSimpleName() + " is closed");
      return state.pointer;
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  final void drop() {
    state.drop();
  }

  /** The native references of several objects, valid until {@link #dropAll}. */
  static long[] acquireAll(List<? extends Resource> resources) {
    long[] out = new long[resources.size()];
    int i = 0;
    try {
      for (Resource r : resources) {
        out[i] = r.acquire();
        i++;
      }
    } catch (RuntimeException e) {
      dropAll(resources.subList(0, i));
      throw e;
    }
    return out;
  }

  static void dropAll(List<? extends Resource> resources) {
    for (Resource r : resources) r.drop();
  }

  /** Gives the native memory back as soon as no call needs it any more. Closing twice does nothing. */
  @Override
  public void close() {
    cleanable.clean();
  }
}
