package marstest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mars.DType;
import io.mars.Mars;
import io.mars.NDArray;
import io.mars.Operand;
import io.mars.Operator;
import io.mars.Session;
import io.mars.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Values in, calls, values out. */
class BasicsTest {
  @Test
  void computes() {
    Tensor a = Tensor.of(new double[] {1, 2, 3, 4}, 2, 2);
    Tensor b = a.add(1).sum(1);
    assertEquals(DType.FLOAT64, b.dtype());
    assertArrayEquals(new long[] {2}, b.shape());
    assertEquals(1, b.ndim());
    try (NDArray values = b.execute().fetch()) {
      assertTrue(b.isExecuted());
      assertArrayEquals(new double[] {5, 9}, values.toDoubleArray());
      assertArrayEquals(new long[] {2}, values.shape());
    }
    assertEquals(10.0, a.sum().fetch().toDouble());
  }

  @Test
  void operatorsCanBeHeld() {
    Operator add = Operator.of("add");
    Tensor sum = add.apply(Tensor.of(new double[] {1}, 1), Operand.of(2.5));
    assertArrayEquals(new double[] {3.5}, sum.fetch().toDoubleArray());
    assertTrue(add.describe().contains("numpy.add"));
    assertTrue(Mars.describeOperators().contains("\"matmul\""));
  }

  @Test
  void everyKindOfArrayComesBack() {
    assertArrayEquals(new double[] {1.5}, Tensor.of(new double[] {1.5}, 1).fetch().toDoubleArray());
    assertArrayEquals(new float[] {1.5f, 2}, Tensor.of(new float[] {1.5f, 2}, 2).fetch().toFloatArray());
    assertArrayEquals(new long[] {1, -2}, Tensor.of(new long[] {1, -2}, 2).fetch().toLongArray());
    assertArrayEquals(new int[] {1, -2}, Tensor.of(new int[] {1, -2}, 2).fetch().toIntArray());
    assertArrayEquals(new boolean[] {true, false}, Tensor.of(new boolean[] {true, false}, 2).fetch().toBooleanArray());
    assertEquals(-7, Tensor.of(new int[] {-7}).fetch().toLong());
    assertTrue(Tensor.of(new boolean[] {true}).fetch().toBoolean());
    assertThrows(IllegalStateException.class, () -> Tensor.of(new long[] {1}, 1).fetch().toDoubleArray());
    assertThrows(IllegalStateException.class, () -> Tensor.of(new long[] {1, 2}, 2).fetch().toLong());
    assertEquals(0, Tensor.of(new double[0], 0, 3).fetch().toDoubleArray().length);
    assertEquals(0, Tensor.of(new double[0], 0, 3).fetch().buffer().capacity());
  }

  @Test
  void copiesDoNotSeeLaterWrites() {
    double[] data = {1, 2};
    Tensor t = Tensor.of(data, 2);
    data[0] = 9;
    assertArrayEquals(new double[] {1, 2}, t.fetch().toDoubleArray());
  }

  @Test
  void directBuffersAreUsedInPlace() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(32).order(ByteOrder.nativeOrder());
    for (int i = 0; i < 4; i++) buffer.putDouble(8 * i, i);
    buffer.position(8); // what remains is taken: 1, 2, 3
    Tensor alias = Tensor.alias(buffer, DType.FLOAT64, 3);
    Tensor copy = Tensor.copyOf(buffer, DType.FLOAT64, 3);
    buffer.putDouble(8, 100);
    assertArrayEquals(new double[] {100, 2, 3}, alias.fetch().toDoubleArray());
    assertArrayEquals(new double[] {1, 2, 3}, copy.fetch().toDoubleArray());
    assertThrows(IllegalArgumentException.class, () -> Tensor.alias(ByteBuffer.allocate(8), DType.FLOAT64, 1));
    assertThrows(IllegalArgumentException.class, () -> Tensor.alias(buffer, DType.FLOAT64, 4));
    assertThrows(IllegalArgumentException.class, () -> Tensor.alias(ByteBuffer.allocateDirect(7), DType.FLOAT64, 1));
  }

  @Test
  void buffersOfAnotherByteOrderAreRefused() {
    ByteOrder other = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    ByteBuffer swapped = ByteBuffer.allocateDirect(16).order(other).putDouble(0, 1).putDouble(8, 2);
    for (DType dtype : new DType[] {DType.FLOAT64, DType.INT16}) {
      String message = assertThrows(IllegalArgumentException.class, () -> Tensor.alias(swapped, dtype, 16 / dtype.itemSize())).getMessage();
      assertTrue(message.contains(other.toString()), message);
      assertThrows(IllegalArgumentException.class, () -> Tensor.copyOf(swapped, dtype, 16 / dtype.itemSize()));
    }
    // Elements of one byte have no order.
    assertEquals(16, Tensor.alias(swapped, DType.UINT8, 16).shape()[0]);
  }

  @Test
  void buffersShowTheMemory() {
    NDArray values = Tensor.of(new double[] {1, 2, 3}, 3).fetch();
    assertTrue(values.isContiguous());
    assertEquals(3, values.buffer().asDoubleBuffer().get(2));
    assertEquals(ByteOrder.nativeOrder(), values.buffer().order());
    assertEquals(2, values.buffer(1, 1).getDouble(0));
    assertEquals(8, values.buffer(1, 1).capacity());
    assertThrows(IndexOutOfBoundsException.class, () -> values.buffer(3, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> values.buffer(-1, 1));
  }

  @Test
  void fetchIntoABuffer() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
    buffer.position(8);
    Mars.defaultSession().fetchInto(Tensor.of(new double[] {5, 6}, 2), buffer);
    assertEquals(0, buffer.getDouble(0));
    assertEquals(5, buffer.getDouble(8));
    assertEquals(6, buffer.getDouble(16));
    Tensor three = Tensor.of(new double[3], 3);
    assertThrows(IllegalArgumentException.class, () -> Mars.defaultSession().fetchInto(three, buffer));
    assertThrows(ReadOnlyBufferException.class, () -> Mars.defaultSession().fetchInto(three, buffer.asReadOnlyBuffer()));
    ByteBuffer javas = ByteBuffer.allocateDirect(24);
    assertEquals(ByteOrder.BIG_ENDIAN, javas.order());
    assertThrows(IllegalArgumentException.class, () -> Mars.defaultSession().fetchInto(three, javas));
  }

  @Test
  void viewsShareStorage() {
    Tensor a = Tensor.of(new double[] {1, 2, 3}, 3);
    Tensor view = a.transpose();
    Tensor before = a.snapshot();
    assertTrue(a.sharesStorage(view));
    assertFalse(a.sharesStorage(before));
    assertTrue(a.sharesMemory(view));
    assertFalse(a.sharesMemory(before));
    view.assign(Operand.of(9));
    assertArrayEquals(new double[] {9, 9, 9}, a.fetch().toDoubleArray());
    a.assign(Tensor.of(new double[] {4, 5, 6}, 3));
    assertArrayEquals(new double[] {4, 5, 6}, view.fetch().toDoubleArray());
    assertArrayEquals(new double[] {1, 2, 3}, before.fetch().toDoubleArray());
  }

  @Test
  void sessionsHaveOptionsAndStatistics() {
    try (Session session = Session.open(Map.of("workers", "1"))) {
      session.setOption("memory_limit", "1GiB");
      assertTrue(session.options().stream().map(Session.Option::name).collect(Collectors.toSet()).contains("spill_dir"));
      session.execute(Tensor.of(new double[] {1, 2}, 2).sum());
      assertTrue(session.statistics().containsKey("tasks"));
      Tensor t = Tensor.of(new double[] {1, 2, 3, 4}, 4);
      assertEquals(4, session.chunks(t).get(0).stream().mapToLong(Long::longValue).sum());
      assertNull(session.chunks(t.apply("boolean_mask", t.greater(2))).get(0));
      assertFalse(session.explain(t.sum()).isEmpty());
      assertTrue(session.cut(2, t.sum()).contains("\"subtasks\""));
    }
    assertSame(Mars.defaultSession(), Mars.defaultSession());
    assertEquals(3, Mars.version().split("\\.").length);
  }

  @Test
  void elementTypesFollowNumPy() {
    assertEquals(DType.FLOAT64, DType.INT32.promote(DType.FLOAT32));
    assertTrue(DType.INT32.canCast(DType.FLOAT64, "safe"));
    assertFalse(DType.FLOAT64.canCast(DType.INT32, "same_kind"));
    for (DType d : DType.values()) assertSame(d, DType.of(d.code()));
    assertThrows(IllegalArgumentException.class, () -> DType.of(0));
    assertThrows(IllegalArgumentException.class, () -> DType.of(16));
  }

  @Test
  void textTellsTypeAndShape() {
    assertEquals("Tensor(float64 [2, 1])", Tensor.of(new double[] {1, 2}, 2, 1).toString());
    Tensor closed = Tensor.of(new double[] {1}, 1);
    closed.close();
    assertEquals("Tensor(closed)", closed.toString());
  }
}
