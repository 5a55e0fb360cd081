package marstest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mars.DType;
import io.mars.Graph;
import io.mars.NDArray;
import io.mars.Session;
import io.mars.Tensor;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Native memory lives exactly as long as something in Java, or in the library, needs it. */
@Timeout(300)
class LifetimeTest {
  /** Collects garbage until something has happened. */
  private static boolean eventually(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 200 && !condition.getAsBoolean(); i++) {
      System.gc();
      Thread.sleep(10);
    }
    return condition.getAsBoolean();
  }

  private static long residentKiB() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
    throw new IOException("no VmRSS");
  }

  @Test
  void anAliasedBufferLivesAsLongAsTheTensor() throws Exception {
    ByteBuffer buffer = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    Tensor tensor = Tensor.alias(buffer, DType.FLOAT64, 1);
    WeakReference<ByteBuffer> weak = new WeakReference<>(buffer);
    buffer = null;
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(5);
    }
    assertTrue(weak.get() != null);
    assertEquals(0, tensor.fetch().toDouble());
    tensor.close();
    assertTrue(eventually(() -> weak.get() == null));
  }

  @Test
  void aFunctionLivesAsLongAsTheTensor() throws Exception {
    Object[] token = {new Object()};
    WeakReference<Object> weak = new WeakReference<>(token[0]);
    Tensor source = Tensor.of(new double[] {1}, 1);
    Tensor mapped = map(source, token[0]);
    token[0] = null;
    mapped.execute();
    mapped.close();
    assertTrue(eventually(() -> weak.get() == null));
  }

  private static Tensor map(Tensor source, Object captured) {
    return source.mapChunk(DType.FLOAT64, (in, out) -> out.buffer().putDouble(0, captured.hashCode()));
  }

  @Test
  void aBufferOutlivesItsArrayAndTensor() throws Exception {
    DoubleBuffer numbers;
    try (Tensor tensor = Tensor.of(new double[1 << 16], 1 << 16);
        NDArray values = tensor.fetch()) {
      numbers = values.buffer().asDoubleBuffer().slice();
    }
    for (int i = 0; i < 20; i++) {
      System.gc();
      Tensor.of(new double[1 << 16], 1 << 16).close(); // would take the place of freed memory
    }
    for (int i = 0; i < numbers.capacity(); i++) assertEquals(0, numbers.get(i));
  }

  @Test
  void aClosedArrayGivesNoMoreBuffers() {
    NDArray values = Tensor.of(new double[] {1}, 1).fetch();
    values.close();
    assertThrows(IllegalStateException.class, values::buffer);
    assertThrows(IllegalStateException.class, values::toDoubleArray);
  }

  @Test
  void whatIsNotClosedIsCollected() throws Exception {
    // Together 8 GB: the process could not hold them.
    for (int i = 0; i < 1000; i++) {
      Tensor.of(new double[1 << 20], 1 << 20);
      if (i % 10 == 0) {
        System.gc();
        Thread.sleep(1);
      }
    }
    assertTrue(eventually(() -> {
      try {
        return residentKiB() < 3L << 20;
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }));
  }

  @Test
  void closingWhileOthersUseIt() throws Exception {
    for (int round = 0; round < 300; round++) {
      Tensor tensor = Tensor.of(new double[] {1, 2, 3}, 3);
      AtomicBoolean wrong = new AtomicBoolean();
      Thread reader =
          new Thread(
              () -> {
                try {
                  while (true) if (tensor.shape()[0] != 3) wrong.set(true);
                } catch (IllegalStateException closed) {
                  // as it should be
                }
              });
      reader.start();
      Thread.yield();
      tensor.close();
      reader.join();
      assertEquals(false, wrong.get());
    }
  }

  @Test
  void nothingGrows() throws Exception {
    long before = 0;
    for (int i = 0; i < 60_000; i++) {
      if (i == 10_000) {
        System.gc();
        before = residentKiB();
      }
      try (Graph graph = new Graph();
          Tensor input = graph.input("x", DType.FLOAT64, -1, 3);
          Tensor sum = input.sin()) {
        graph.output("y", sum);
      }
    }
    long kib = residentKiB() - before;
    assertTrue(kib < 64 << 10, kib + " KiB");
  }

  @Test
  void sessionsComeAndGo() throws Exception {
    for (int i = 0; i < 1000; i++) Session.open().close();
    long before = residentKiB();
    for (int i = 0; i < 3000; i++) Session.open().close();
    long kib = residentKiB() - before;
    assertTrue(kib < 32 << 10, kib + " KiB");
  }
}
