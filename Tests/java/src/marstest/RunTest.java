package marstest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mars.DType;
import io.mars.Mars;
import io.mars.MarsCancelledException;
import io.mars.MarsError;
import io.mars.MarsException;
import io.mars.Progress;
import io.mars.Run;
import io.mars.Session;
import io.mars.Tensor;
import java.nio.DoubleBuffer;
import java.nio.ReadOnlyBufferException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs in the background, functions of the client, threads, interrupts. */
@Timeout(120)
class RunTest {
  private static Tensor range(int n) {
    double[] data = new double[n];
    for (int i = 0; i < n; i++) data[i] = i;
    return Tensor.of(data, n);
  }

  @Test
  void functionsOfTheClientComputeChunks() {
    AtomicInteger elements = new AtomicInteger();
    Tensor t =
        range(1000)
            .mapChunk(
                DType.FLOAT64,
                (in, out) -> {
                  assertEquals(in.shape()[0], out.shape()[0]);
                  DoubleBuffer from = in.buffer().asDoubleBuffer();
                  DoubleBuffer to = out.buffer().asDoubleBuffer();
                  assertEquals(in.lower()[0], from.get(0)); // values are places here
                  while (from.hasRemaining()) to.put(10 * from.get());
                  elements.addAndGet((int) in.shape()[0]);
                });
    assertEquals(0, elements.get());
    double[] values = t.fetch().toDoubleArray();
    for (int i = 0; i < 1000; i++) assertEquals(10.0 * i, values[i]);
    assertEquals(1000, elements.get());
  }

  @Test
  void functionsMayChangeTheElementType() {
    Tensor t =
        range(4)
            .mapChunk(
                DType.BOOL,
                (in, out) -> {
                  for (int i = 0; i < in.shape()[0]; i++) out.buffer().put(i, (byte) (in.buffer().getDouble(8 * i) > 1 ? 1 : 0));
                });
    assertArrayEquals(new boolean[] {false, false, true, true}, t.fetch().toBooleanArray());
  }

  @Test
  void whatAFunctionThrowsComesBack() {
    Tensor t =
        range(10)
            .mapChunk(
                DType.FLOAT64,
                (in, out) -> {
                  throw new java.io.IOException("the tape is torn \u20ac");
                });
    MarsException e = assertThrows(MarsException.class, t::execute);
    assertEquals(MarsError.Code.CALLBACK, e.code());
    assertTrue(e.getMessage().contains("java.io.IOException: the tape is torn \u20ac"), e.getMessage());
    assertTrue(e.origin().contains("RunTest.java"), e.origin());

    Tensor error =
        range(10)
            .mapChunk(
                DType.FLOAT64,
                (in, out) -> {
                  throw new StackOverflowError();
                });
    assertTrue(assertThrows(MarsException.class, error::execute).getMessage().contains("StackOverflowError"));

    Tensor writesInput = range(10).mapChunk(DType.FLOAT64, (in, out) -> in.buffer().put(0, (byte) 1));
    assertTrue(assertThrows(MarsException.class, writesInput::execute).getMessage().contains(ReadOnlyBufferException.class.getName()));

    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 100_000; i++) text.append('\u20ac');
    Tensor longText =
        range(10)
            .mapChunk(
                DType.FLOAT64,
                (in, out) -> {
                  throw new RuntimeException(text.toString());
                });
    String message = assertThrows(MarsException.class, longText::execute).getMessage();
    assertTrue(message.contains("\u20ac\u20ac\u20ac"));
    assertFalse(message.contains("\ufffd"), "a character was cut in two");
  }

  @Test
  void runsTellTheirProgress() throws InterruptedException {
    CountDownLatch go = new CountDownLatch(1);
    Tensor t = range(4).mapChunk(DType.FLOAT64, (in, out) -> go.await());
    try (Session session = Session.open();
        Run run = session.executeAsync(t)) {
      assertFalse(run.await(Duration.ofMillis(80)));
      assertFalse(run.progress().isDone());
      go.countDown();
      assertTrue(run.await(Duration.ofSeconds(60)));
      Progress p = run.progress();
      assertTrue(p.isDone());
      assertEquals(p.tasksTotal(), p.tasksDone());
      assertEquals(1, run.results().size());
    }
  }

  @Test
  void runsCanBeCancelled() {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Tensor t = waiting(started, go);
    try (Run run = Mars.defaultSession().executeAsync(t)) {
      assertTrue(uninterrupted(() -> started.await(60, TimeUnit.SECONDS)));
      run.cancel();
      go.countDown();
      assertThrows(MarsCancelledException.class, run::await);
    }
    assertEquals(3, range(3).sum().fetch().toDouble()); // the session goes on
  }

  /** A tensor whose execution counts `started` down and then waits for `go`. */
  private static Tensor waiting(CountDownLatch started, CountDownLatch go) {
    return range(4)
        .mapChunk(
            DType.FLOAT64,
            (in, out) -> {
              started.countDown();
              go.await();
            });
  }

  private static boolean uninterrupted(Callable<Boolean> call) {
    try {
      return call.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anInterruptCancels() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Tensor t = waiting(started, go);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicReference<Boolean> interrupted = new AtomicReference<>();
    Thread waiter =
        new Thread(
            () -> {
              try {
                t.execute();
              } catch (Throwable e) {
                thrown.set(e);
              }
              interrupted.set(Thread.currentThread().isInterrupted());
            });
    waiter.start();
    assertTrue(started.await(60, TimeUnit.SECONDS));
    waiter.interrupt();
    Thread.sleep(100); // time to pass the interrupt on: a wait looks every 50 ms
    go.countDown();
    waiter.join();
    assertEquals(MarsCancelledException.class, thrown.get().getClass());
    assertTrue(interrupted.get());
  }

  @Test
  void eightThreadsOnOneSession() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try (Session session = Session.open()) {
      List<Future<Integer>> results = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        int first = thread;
        results.add(
            pool.submit(
                () -> {
                  int wrong = 0;
                  for (int i = 0; i < 200; i++) {
                    int n = 2 + first + i;
                    Tensor t = range(n).add(1).sum();
                    session.execute(t);
                    if (session.fetch(t).toDouble() != n * (n + 1) / 2.0) wrong++;
                  }
                  return wrong;
                }));
      }
      for (Future<Integer> r : results) assertEquals(0, r.get());
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void callbacksOfManyThreads() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    try {
      List<Future<Double>> results = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        results.add(
            pool.submit(
                () -> {
                  double total = 0;
                  for (int i = 0; i < 50; i++) {
                    total += range(100).mapChunk(DType.FLOAT64, (in, out) -> out.buffer().put(in.buffer())).sum().fetch().toDouble();
                  }
                  return total;
                }));
      }
      for (Future<Double> r : results) assertEquals(50 * 4950.0, r.get());
    } finally {
      pool.shutdown();
    }
  }
}
