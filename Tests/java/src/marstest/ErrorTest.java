package marstest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mars.Attributes;
import io.mars.DType;
import io.mars.Graph;
import io.mars.MarsArgumentException;
import io.mars.MarsError;
import io.mars.MarsException;
import io.mars.MarsIndexException;
import io.mars.Operand;
import io.mars.Operator;
import io.mars.Ops;
import io.mars.Session;
import io.mars.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Failures become Java's exceptions and tell operator and place. */
class ErrorTest {
  private static final Tensor THREE = Tensor.of(new double[] {1, 2, 3}, 3);

  @Test
  void valuesAreIllegalArguments() {
    Tensor four = Tensor.of(new double[4], 4);
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> THREE.add(four));
    MarsArgumentException mars = (MarsArgumentException) e;
    assertEquals(MarsError.Code.VALUE, mars.code());
    assertEquals("add", mars.operator());
    assertTrue(mars.origin().contains("ErrorTest.java"), mars.origin());
    assertTrue(e.getMessage().contains("(3,)"), e.getMessage());
  }

  @Test
  void axesAreOutOfBounds() {
    MarsIndexException e =
        assertThrows(MarsIndexException.class, () -> THREE.sum(7));
    assertTrue(e instanceof IndexOutOfBoundsException);
    assertEquals(MarsError.Code.AXIS, e.code());
  }

  @Test
  void sessionsThatDoNotClaimLimitNobody() {
    try (Session small = Session.open(Map.of("memory_limit", "64MiB")); Session large = Session.open(Map.of("memory_limit", "1G"))) {
      assertEquals(64 << 20, large.statistics().get("memory_limit").intValue());
      small.claim(false);
      assertEquals(1 << 30, large.statistics().get("memory_limit").intValue());
    }
  }

  @Test
  void filesThatAreMissingAreNamed() {
    String path = "/no/such/folder/x.npy";
    MarsException e = assertThrows(MarsException.class, () -> Operator.of("load_npy").apply(new Attributes().set("path", path)));
    assertEquals(MarsError.Code.OS, e.code());
    assertEquals(2, e.systemError());
    assertEquals(path, e.path());
  }

  @Test
  void unknownNamesAreNamed() {
    assertTrue(assertThrows(IllegalArgumentException.class, () -> Operator.of("no_such_operator")).getMessage().contains("no_such_operator"));
    MarsArgumentException e =
        assertThrows(MarsArgumentException.class, () -> THREE.apply("sum", new Attributes().set("no_such_attribute", 1)));
    assertEquals(MarsError.Code.TYPE, e.code());
    assertTrue(e.getMessage().contains("no_such_attribute"));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Session.open(Map.of("no_such_option", "1")))
            .getMessage()
            .contains("no_such_option"));
  }

  @Test
  void brokenGraphFilesAreAnErrorOfFormat() {
    MarsArgumentException e = assertThrows(MarsArgumentException.class, () -> Graph.parse(new byte[] {1, 2, 3}));
    assertEquals(MarsError.Code.FORMAT, e.code());
    assertEquals(MarsError.Code.FORMAT, assertThrows(MarsArgumentException.class, () -> Graph.parse(new byte[0])).code());
  }

  @Test
  void knownValuesAreCheckedAsInEveryLanguage() {
    Tensor shares = Tensor.of(new double[] {0.5, -0.1}, 2);
    String message = assertThrows(MarsArgumentException.class, () -> Ops.quantile(THREE, shares)).getMessage();
    assertTrue(message.contains("must be in the range [0, 1]"), message);
    Tensor mask = THREE.greater(1);
    message =
        assertThrows(
                MarsArgumentException.class,
                () -> Ops.select(Operand.of(0), new Operand[] {mask, mask, mask, THREE}, new Attributes().conditions(3)))
            .getMessage();
    assertTrue(message.contains("same length"), message);
  }

  @Test
  void argumentsAreCheckedBeforeTheCall() {
    assertThrows(IllegalArgumentException.class, () -> Operator.of("add\0"));
    assertThrows(IllegalArgumentException.class, () -> Tensor.of(new double[3], 2));
    assertThrows(IllegalArgumentException.class, () -> Tensor.of(new double[3], -3));
    assertThrows(NullPointerException.class, () -> THREE.mapChunk(THREE.dtype(), null));
    assertThrows(NullPointerException.class, () -> Graph.parse((byte[]) null));
    assertThrows(NullPointerException.class, () -> new Graph().input("x", DType.FLOAT64, (long[]) null));
    MarsArgumentException missing = assertThrows(MarsArgumentException.class, () -> THREE.add((Operand) null));
    assertTrue(missing.getMessage().contains("add(): input 'x2' may not be left out"), missing.getMessage());
  }

  @Test
  void closedObjectsSaySo() {
    Tensor t = Tensor.of(new double[] {1}, 1);
    t.close();
    t.close();
    assertThrows(IllegalStateException.class, t::dtype);
    assertThrows(IllegalStateException.class, () -> THREE.add(t));
    assertThrows(IllegalStateException.class, t::fetch);
  }
}
