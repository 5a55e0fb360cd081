package marstest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mars.Attributes;
import io.mars.DType;
import io.mars.Distributions;
import io.mars.Linalg;
import io.mars.Mars;
import io.mars.MarsArgumentException;
import io.mars.MarsError;
import io.mars.MarsIndexException;
import io.mars.Operand;
import io.mars.Operator;
import io.mars.Ops;
import io.mars.Random;
import io.mars.Tensor;
import io.mars.TensorMethods;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Methods and functions that are made from the registry. */
class TypedTest {
  private static final Tensor A = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);

  private static double[] values(Tensor t) {
    return t.fetch().toDoubleArray();
  }

  private static long[] integers(Tensor t) {
    return t.fetch().toLongArray();
  }

  // ---- families ----

  @Test
  void arithmeticWithTensorsAndNumbers() {
    assertArrayEquals(new double[] {2, 4, 6, 8, 10, 12}, values(A.add(A)));
    assertArrayEquals(new double[] {0, 1, 2, 3, 4, 5}, values(A.subtract(1)));
    assertArrayEquals(new double[] {.5, 1, 1.5, 2, 2.5, 3}, values(A.multiply(0.5)));
    assertArrayEquals(new double[] {9, 8, 7, 6, 5, 4}, values(Ops.subtract(10, A)));
    assertArrayEquals(new double[] {1, 2}, values(Tensor.of(new double[] {1, 4}, 2).sqrt()));
    Tensor[] parts = A.divmod(4);
    assertArrayEquals(new double[] {0, 0, 0, 1, 1, 1}, values(parts[0]));
    assertArrayEquals(new double[] {1, 2, 3, 0, 1, 2}, values(parts[1]));
    // Numbers are weak: they take the type of what they meet.
    assertEquals(DType.FLOAT32, Tensor.of(new float[] {1}, 1).add(1.5).dtype());
    assertEquals(DType.INT32, Tensor.of(new int[] {1}, 1).add(1).dtype());
    assertEquals(DType.INT64, Tensor.of(new boolean[] {true}, 1).add(1).dtype());
  }

  @Test
  void comparisonAndLogic() {
    Tensor mask = A.greater(2).logicalAnd(A.less(5));
    assertArrayEquals(new boolean[] {false, false, true, true, false, false}, mask.fetch().toBooleanArray());
    assertArrayEquals(new boolean[] {true, true, true, true, true, true}, mask.logicalOr(true).fetch().toBooleanArray());
    assertArrayEquals(new double[] {0, 0, 3, 4, 0, 0}, values(Ops.where(mask, A, Operand.of(0))));
    assertArrayEquals(new long[] {0, 0, 1, 1, 0, 0}, integers(Ops.where(mask, 1, 0)));
    assertTrue(Ops.allclose(A, A.add(1e-12)).fetch().toBoolean());
    assertFalse(Ops.allclose(A, A.add(1), 1e-5, 0.5).fetch().toBoolean());
  }

  @Test
  void reductions() {
    assertEquals(21, A.sum().fetch().toDouble());
    assertArrayEquals(new double[] {6, 15}, values(A.sum(1)));
    assertArrayEquals(new double[] {6, 15}, values(A.sum(-1)));
    assertEquals(21, A.sum(0, 1).fetch().toDouble());
    assertArrayEquals(new long[] {2, 1}, A.sum(1, true).shape());
    assertArrayEquals(new long[] {1, 1}, A.sum(new long[] {0, 1}, true).shape());
    assertArrayEquals(new double[] {107, 116}, values(A.sum(new Attributes().axis(1).initial(101)).subtract(0)));
    assertArrayEquals(new double[] {0, 11}, values(A.sum(A.greater(4), new Attributes().axis(1))));
    assertArrayEquals(new double[] {1, 1}, values(A.std(new Attributes().axis(1).ddof(1))));
    assertEquals(DType.FLOAT32, A.mean(new Attributes().dtype(DType.FLOAT32)).dtype());
    assertArrayEquals(new long[] {2, 2}, integers(A.argmax(1)));
    assertEquals(4, Ops.average(A, A.greater(2).multiply(1).multiply(A.less(6))).fetch().toDouble());
    assertArrayEquals(new double[] {1, 3, 6, 4, 9, 15}, values(A.cumsum(1)));
  }

  @Test
  void shapesAndViews() {
    Tensor a = A.snapshot();
    assertArrayEquals(new long[] {3, 2}, a.reshape(3, 2).shape());
    assertArrayEquals(new long[] {3, 2}, a.reshape(-1, 2).shape());
    assertArrayEquals(new double[] {1, 4, 2, 5, 3, 6}, values(a.transpose()));
    assertArrayEquals(new long[] {2, 3}, a.transpose(0, 1).shape());
    assertTrue(a.sharesStorage(a.transpose(1, 0)));
    assertArrayEquals(new long[] {1, 2, 3}, Ops.expandDims(a, 0).shape());
    assertArrayEquals(new double[] {3, 2, 1, 6, 5, 4}, values(Ops.flip(a, 1)));
    assertArrayEquals(new double[] {3, 1, 2, 6, 4, 5}, values(Ops.roll(a, 1, 1)));
    assertArrayEquals(new double[] {1, 5, 4, 3, 2, 6}, values(a.reshape(new long[] {3, 2}, "F")));
    assertEquals(DType.INT32, a.astype(DType.INT32).dtype());
  }

  @Test
  void creation() {
    assertArrayEquals(new double[] {0, 0}, values(Ops.zeros(2)));
    assertEquals(DType.INT8, Ops.zeros(new long[] {2, 3}, DType.INT8).dtype());
    assertArrayEquals(new double[] {2.5, 2.5}, values(Ops.full(2.5, 2)));
    assertArrayEquals(new boolean[] {true, true}, Ops.full(true, 2).fetch().toBooleanArray());
    assertArrayEquals(new long[] {0, 1, 2}, integers(Ops.arange(3)));
    assertArrayEquals(new long[] {1, 3}, integers(Ops.arange(1, 5, 2)));
    assertArrayEquals(new double[] {0, .5}, values(Ops.arange(0, 1, .5)));
    assertArrayEquals(new double[] {0, .25, .5, .75, 1}, values(Ops.linspace(0, 1, 5)));
    assertArrayEquals(new double[] {1, 0, 0, 1}, values(Ops.eye(2)));
  }

  @Test
  void joiningAndSplitting() {
    assertArrayEquals(new long[] {4, 3}, Ops.concatenate(A, A).shape());
    assertArrayEquals(new long[] {2, 6}, Ops.concatenate(new Tensor[] {A, A}, 1).shape());
    assertArrayEquals(new long[] {2, 3, 2}, Ops.stack(new Operand[] {A, A}, new Attributes().axis(-1)).shape());
    Tensor[] columns = Ops.split(A, new Attributes().sections(3).axis(1));
    assertEquals(3, columns.length);
    assertArrayEquals(new double[] {2, 5}, values(columns[1]));
    assertEquals(100, Ops.unstack(Ops.zeros(100, 2)).length);
    assertEquals(2, Ops.split(A, new Attributes().indices(1)).length);
    Tensor chosen = Ops.select(Operand.of(-1), A.less(2), A.greater(5), A, A.multiply(10));
    assertArrayEquals(new double[] {1, -1, -1, -1, -1, 60}, values(chosen));
  }

  @Test
  void argumentsAreCheckedAsByNumPy() {
    assertThrows(MarsArgumentException.class, () -> Ops.split(A, new Attributes().sections(0)), "larger than 0");
    assertThrows(MarsArgumentException.class, () -> A.astype(DType.INT32, new Attributes().casting("safe")));
    Attributes beyond = new Attributes().set("items", new long[] {0, 2});
    assertThrows(MarsIndexException.class, () -> Operator.of("index_view").apply(beyond, A));
    Tensor row = Operator.of("index_view").apply(new Attributes().set("items", new long[] {0, 1}), A);
    assertArrayEquals(new double[] {4, 5, 6}, values(row));
    row.assign(Operand.of(0));
    assertArrayEquals(new double[] {1, 2, 3, 0, 0, 0}, values(A.add(0)));
    row.assign(Tensor.of(new double[] {4, 5, 6}, 3));
  }

  @Test
  void linearAlgebra() {
    assertArrayEquals(new double[] {14, 32, 32, 77}, values(A.matmul(A.transpose())));
    assertArrayEquals(new double[] {14, 32, 32, 77}, values(A.dot(A.transpose())));
    assertEquals(91, Ops.tensordot(A, A, 2).fetch().toDouble());
    assertEquals(5, Linalg.norm(Tensor.of(new double[] {3, 4}, 2)).fetch().toDouble());
  }

  @Test
  void selectingAndSorting() {
    Tensor v = Tensor.of(new double[] {3, 1, 2, 1}, 4);
    assertArrayEquals(new double[] {1, 1, 2, 3}, values(Ops.sort(v)));
    assertArrayEquals(new double[] {3, 2, 1, 1}, values(Ops.sort(v, new Attributes().descending(true))));
    assertArrayEquals(new double[] {2, 3}, values(v.take(Tensor.of(new long[] {2, 0}, 2))));
    assertArrayEquals(new long[] {0, 2}, integers(v.greater(1.5).nonzero()[0]));
    Tensor[] found = Ops.unique(v, new Attributes().returnCounts(true));
    assertArrayEquals(new double[] {1, 2, 3}, values(found[0]));
    assertArrayEquals(new long[] {2, 1, 1}, integers(found[1]));
  }

  @Test
  void randomNumbers() {
    Random random = new Random(42);
    Tensor first = random.uniform(-1, 1, 100, 2);
    assertArrayEquals(new long[] {100, 2}, first.shape());
    assertArrayEquals(values(first), values(new Random(42).uniform(-1, 1, 100, 2)));
    assertEquals(10, new Random(7).permutation(Operand.of(5)).sum().fetch().toLong()); // the integers below a number
    assertFalse(Arrays.equals(values(first), values(random.uniform(-1, 1, 100, 2))), "the second call has a stream of its own");
    long[] dice = integers(random.integers(1, 7, 1000));
    assertEquals(Set.of(1L, 2L, 3L, 4L, 5L, 6L), Arrays.stream(dice).boxed().collect(Collectors.toSet()));
    assertEquals(DType.FLOAT32, random.normal(0, 1, new Attributes().size(3).dtype(DType.FLOAT32)).dtype());
    assertArrayEquals(new long[] {2, 3}, random.normal(A, 1).shape());
    assertArrayEquals(new long[0], random.random().shape());
    Attributes shared = new Attributes().size(3);
    random.random(shared);
    assertArrayEquals(new long[] {3}, random.random(shared).shape(), "options stay the caller's");
  }

  @Test
  void functionsThatWrite() {
    Tensor a = A.multiply(1);
    Ops.putmask(a, a.greater(3), Tensor.of(new double[] {10, 20}, 2));
    assertArrayEquals(new double[] {1, 2, 3, 20, 10, 20}, values(a));
    Ops.put(a, Tensor.of(new long[] {0, 7}, 2), Tensor.of(new double[] {-1, -2}, 2), "wrap");
    Ops.place(a, a.greater(10), Tensor.of(new double[] {5, 6, 7}, 3));
    assertArrayEquals(new double[] {-1, -2, 3, 5, 10, 6}, values(a));
    Ops.fillDiagonal(a, Tensor.of(new double[] {0}, 1));
    Ops.putAlongAxis(a, Tensor.of(new long[] {2, 0}, 2, 1), Tensor.of(new double[] {9}, 1), 1);
    assertArrayEquals(new double[] {0, -2, 9, 9, 0, 6}, values(a));
    Ops.copyto(a, Tensor.of(new double[] {1, 2, 3}, 3), a.greater(0));
    assertArrayEquals(new double[] {0, -2, 3, 1, 0, 3}, values(a));
    Tensor counts = Ops.bincount(Tensor.of(new long[] {1, 3, 1}, 3));
    assertArrayEquals(new long[] {0, 2, 0, 1}, integers(counts));
    assertThrows(MarsArgumentException.class, () -> Ops.putmask(A, Tensor.of(new double[] {1}, 1), A));
  }

  @Test
  void aStreamIsTheSameWhoeverAsks() {
    // What the generic call gives for the seed and the number of the call.
    Random random = new Random(-1);
    random.random(1);
    Tensor second = random.random(5);
    Attributes same = new Attributes().set("seed", DType.UINT64, -1).set("stream", 1).size(5);
    assertArrayEquals(values(io.mars.Operator.of("random").apply(same)), values(second));
  }

  // ---- errors ----

  @Test
  void errorsAreThoseOfTheCall() {
    MarsArgumentException shapes = assertThrows(MarsArgumentException.class, () -> A.add(Ops.zeros(4)));
    assertEquals(MarsError.Code.VALUE, shapes.code());
    assertEquals("add", shapes.operator());
    assertTrue(shapes.origin().contains("TypedTest.java"), shapes.origin());
    assertEquals(MarsError.Code.AXIS, assertThrows(MarsIndexException.class, () -> A.sum(2)).code());
    assertThrows(MarsArgumentException.class, () -> A.reshape(4, 4));
    assertThrows(MarsArgumentException.class, () -> A.matmul(A));
    assertThrows(MarsArgumentException.class, () -> Ops.concatenate());
    assertThrows(MarsArgumentException.class, () -> A.sum(new Attributes().edgeOrder(1)));
    assertThrows(MarsArgumentException.class, () -> A.greater(1).subtract(A.greater(2)));
    assertThrows(MarsArgumentException.class, () -> Ops.split(A, 4));
    assertThrows(MarsArgumentException.class, () -> A.add((Operand) null));
  }

  // ---- inputs that are left out ----

  @Test
  void nullLeavesAnInputOut() {
    Tensor x = Tensor.of(new double[] {0, 1, 2}, 3);
    Tensor w = Tensor.of(new double[] {1, 2, 3}, 3);
    double weighted = 30.0 / 9 / (6 - 14.0 / 6);
    assertEquals(weighted, values(Ops.cov(x, null, null, w))[0], 1e-15);
    assertEquals(weighted, values(Operator.of("cov").apply(x, null, null, w))[0], 1e-15);
    assertEquals(2.0 / 3, values(Ops.cov(x, null, w, null))[0], 1e-15);
    assertEquals(30.0 / 9 / 6, values(Ops.cov(x, null, null, w, new Attributes().ddof(0)))[0], 1e-15);
    assertEquals(1, values(Ops.cov(x, null, null, null))[0], 1e-15);
    assertEquals(1, values(Ops.cov(x))[0], 1e-15);
    // About a mean that is at hand, without a mask.
    assertEquals(5.0 / 3, values(Ops.var(x, null, Operand.of(0)))[0], 1e-15);
    assertEquals(5.0 / 3, values(x.var(null, Operand.of(0)))[0], 1e-15);
    assertArrayEquals(new double[] {-5, 1, 1}, values(Ops.diff(x, Operand.of(5), null)));
    assertArrayEquals(new double[] {1, 1, 3}, values(Ops.diff(x, null, Operand.of(5))));
    assertArrayEquals(new double[] {0, 1, 1}, values(Ops.clip(x, null, Operand.of(1))));
    assertArrayEquals(new double[] {1, 1, 2}, values(x.clip(Operand.of(1), null)));
    assertArrayEquals(new double[] {1, 1, 1.5}, values(x.clip(1.0, 1.5)));
    String message = assertThrows(MarsArgumentException.class, () -> Ops.cov(null, null, null, w)).getMessage();
    assertTrue(message.contains("cov(): input 'm' may not be left out"), message);
  }

  // ---- all of them ----

  private static Set<String> names(Class<?> methods) {
    return Arrays.stream(methods.getDeclaredMethods())
        .filter(m -> Modifier.isPublic(m.getModifiers()))
        .map(m -> m.getName().toLowerCase(java.util.Locale.ROOT))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Names of a namespace as the library describes them, in Java's spelling. */
  private static Set<String> described(String namespace) {
    Matcher m = Pattern.compile("\"name\":\\s*\"([a-z0-9_]+)\",\\s*\"namespace\":\\s*\"" + namespace + "\"").matcher(Mars.describeOperators());
    return m.results().map(r -> r.group(1).replace("_", "")).collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyFunctionIsThere() {
    assertTrue(described("").size() > 100);
    assertEquals(described(""), names(Ops.class));
    assertEquals(described("linalg"), names(Linalg.class));
    assertEquals(described("random"), names(Distributions.class));
    assertTrue(names(TensorMethods.class).containsAll(List.of("add", "sum", "sqrt", "reshape", "matmul", "flatten")));
  }

  private static Object argument(Class<?> type) {
    if (type == Operand.class) return A;
    // What a method writes into is not what other tests read.
    if (type == Tensor.class) return A.multiply(1);
    if (type == long.class) return 1L;
    if (type == double.class) return 0.5;
    if (type == boolean.class) return true;
    if (type == String.class) return "C";
    if (type == DType.class) return DType.FLOAT64;
    if (type == Attributes.class) return new Attributes();
    if (type == long[].class) return new long[] {1};
    if (type == Operand[].class) return new Operand[] {A, A};
    if (type == String[].class) return new String[] {"raise"};
    throw new AssertionError("no argument of " + type);
  }

  /** No method gives an operator what that does not know: whatever is wrong with the arguments is wrong with their values. */
  @TestFactory
  Stream<DynamicTest> everyMethodCallsItsOperator() {
    return Stream.of(Ops.class, Linalg.class, Distributions.class, TensorMethods.class)
        .map(c -> DynamicTest.dynamicTest(c.getSimpleName(), () -> callAll(c)));
  }

  private static void callAll(Class<?> methods) throws ReflectiveOperationException {
    Object target = methods == Distributions.class ? new Random(1) : methods == TensorMethods.class ? A : null;
    int calls = 0;
    int good = 0;
    for (Method m : methods.getDeclaredMethods()) {
      if (!Modifier.isPublic(m.getModifiers())) continue;
      calls++;
      try {
        m.invoke(target, Arrays.stream(m.getParameterTypes()).map(TypedTest::argument).toArray());
        good++;
      } catch (InvocationTargetException e) {
        if (!(e.getCause() instanceof MarsError)) throw new AssertionError(m.toString(), e.getCause());
        String message = e.getCause().getMessage();
        for (String wrong : List.of("attribute", "inputs but", "unknown operator", "room for")) {
          assertFalse(message.contains(wrong), m + ": " + message);
        }
      }
    }
    assertTrue(good > calls / 2, good + " of " + calls + " calls went well");
  }
}
