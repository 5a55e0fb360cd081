package io.mars;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** An execution that goes on in the background. */
public final class Run extends Resource {
  /** A wait looks for an interrupt this often. */
  private static final double SLICE_SECONDS = 0.05;

  private final int count;

  Run(long pointer, int count) {
    super(pointer, Native::runRelease);
    this.count = count;
  }

  /**
   * How far the run is.
   *
   * @return the progress
   */
  public Progress progress() {
    long pointer = acquire();
    try {
      long[] p = Native.runProgress(pointer);
      return new Progress(p[0] != 0, p[1], p[2]);
    } finally {
      drop();
    }
  }

  /** Asks the run to stop; who waits for it gets a {@link MarsCancelledException}. */
  public void cancel() {
    long pointer = acquire();
    try {
      Native.runCancel(pointer);
    } finally {
      drop();
    }
  }

  /**
   * Waits until the run has ended. If the thread is interrupted, the run is cancelled; the thread stays marked as interrupted.
   *
   * @throws MarsCancelledException if the run was cancelled
   * @throws RuntimeException if it failed: one of the exceptions of this package
   */
  public void await() {
    long pointer = acquire();
    boolean interrupted = false;
    try {
      while (!Native.runWait(pointer, SLICE_SECONDS)) {
        if (Thread.interrupted()) {
          interrupted = true;
          Native.runCancel(pointer);
        }
      }
    } finally {
      drop();
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /**
   * Waits until the run has ended, or some time has passed.
   *
   * @param timeout how long to wait
   * @return whether the run has ended
   * @throws InterruptedException if the thread is interrupted; the run goes on
   */
  public boolean await(Duration timeout) throws InterruptedException {
    long end = System.nanoTime() + timeout.toNanos();
    long pointer = acquire();
    try {
      while (true) {
        double left = Math.max(0, (end - System.nanoTime()) / 1e9);
        if (Native.runWait(pointer, Math.min(left, SLICE_SECONDS))) return true;
        if (Thread.interrupted()) throw new InterruptedException();
        if (left == 0) return false;
      }
    } finally {
      drop();
    }
  }

  /**
   * The results of a run that has ended.
   *
   * @return one tensor for each that was to be computed
   */
  public List<Tensor> results() {
    long[] out = new long[count];
    long pointer = acquire();
    try {
      Native.runResults(out, pointer);
    } finally {
      drop();
    }
    return Arrays.stream(out).mapToObj(Tensor::new).toList();
  }
}
