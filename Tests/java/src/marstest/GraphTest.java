package marstest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.mars.DType;
import io.mars.Graph;
import io.mars.Mars;
import io.mars.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import mars.graph.GraphProto;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Graphs with named inputs, their files, and files made with protobuf alone. */
class GraphTest {
  private static Tensor vector(double... values) {
    return Tensor.of(values, values.length);
  }

  @Test
  void namedInputsAreBoundAtExecution() {
    Graph graph = new Graph();
    Tensor x = graph.input("x", DType.FLOAT64, -1);
    graph.output("y", x.add(1));
    assertArrayEquals(new long[] {-1}, x.shape());
    assertEquals("Tensor(float64 [?])", x.toString());
    for (Graph g : List.of(graph, Graph.parse(graph.serialize()))) {
      assertEquals(Set.of("x"), g.inputs().keySet());
      assertEquals(Set.of("y"), g.outputs().keySet());
      Tensor y = g.outputs().get("y");
      for (double[] data : new double[][] {{1}, {1, 2, 3}}) {
        Tensor value = Mars.defaultSession().execute(List.of(y), Map.of("x", vector(data))).get(0);
        assertEquals(data[data.length - 1] + 1, value.fetch().toDoubleArray()[data.length - 1]);
      }
      assertFalse(y.isExecuted());
      assertTrue(assertThrows(IllegalArgumentException.class, y::execute).getMessage().contains("x"));
      assertThrows(IllegalArgumentException.class, () -> Mars.defaultSession().execute(List.of(y), Map.of("z", vector(1))));
    }
  }

  @Test
  void aFileThatIsCutIsRefused() {
    Graph graph = new Graph();
    graph.output("y", graph.input("x", DType.FLOAT64, -1).sin());
    byte[] bytes = graph.serialize();
    for (int n = 0; n < bytes.length; n++) {
      byte[] cut = java.util.Arrays.copyOf(bytes, n);
      assertThrows(IllegalArgumentException.class, () -> Graph.parse(cut));
    }
  }

  private static GraphProto.Attribute.Builder attribute(String name) {
    return GraphProto.Attribute.newBuilder().setName(name);
  }

  /** (x + 1).sum() for any x, written with nothing but protobuf. */
  @Test
  void protobufAloneMakesGraphs() {
    ByteBuffer one = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(0, 1);
    GraphProto.Graph.Builder g = GraphProto.Graph.newBuilder().setFormat(1).setComplete(true);
    for (String name : List.of("input", "constant", "add", "sum")) g.addOperatorsBuilder().setName(name).setVersion(1);
    g.addNodesBuilder()
        .setOp(0)
        .addAttributes(attribute("name").setStringValue("x"))
        .addAttributes(attribute("dtype").setDtypeValue(GraphProto.DType.DTYPE_FLOAT64))
        .addAttributes(attribute("shape").setIntsValue(GraphProto.Ints.newBuilder().addValues(-1)));
    g.addNodesBuilder()
        .setOp(1)
        .addAttributes(
            attribute("value")
                .setScalarValue(GraphProto.Scalar.newBuilder().setDtype(GraphProto.DType.DTYPE_FLOAT64).setData(ByteString.copyFrom(one))));
    g.addNodesBuilder().setOp(2).addAllInputs(List.of(0, 0, 1, 0));
    g.addNodesBuilder().setOp(3).addAllInputs(List.of(2, 0));
    g.addInputsBuilder().setName("x").setNode(0);
    g.addOutputsBuilder().setName("total").setNode(3);
    Tensor total = Graph.parse(g.build().toByteArray()).outputs().get("total");
    Tensor value = Mars.defaultSession().execute(List.of(total), Map.of("x", vector(1, 2, 3))).get(0);
    assertEquals(9.0, value.fetch().toDouble());
  }

  /** What the library writes, protobuf reads. */
  @Test
  void protobufReadsFiles() throws IOException {
    Graph graph = new Graph();
    graph.output("y", graph.input("x", DType.FLOAT64, -1).sin());
    GraphProto.Graph read = GraphProto.Graph.parseFrom(graph.serialize());
    assertTrue(read.getComplete());
    assertEquals("x", read.getInputs(0).getName());
    assertEquals("y", read.getOutputs(0).getName());
    assertTrue(read.getOperatorsList().stream().anyMatch(o -> o.getName().equals("sin")));
  }

  /** Files of every released version load for ever. */
  @TestFactory
  Stream<DynamicTest> goldenFiles() throws IOException {
    Path folder = Path.of(System.getProperty("mars.test.golden"));
    List<Path> files = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> found = Files.walk(folder)) {
        found.filter(p -> p.toString().endsWith(".mars")).sorted().forEach(files::add);
      }
    }
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    folder.relativize(file).toString(),
                    () -> {
                      Graph graph = Graph.parse(Files.readAllBytes(file), Graph.Capability.FILES);
                      assertFalse(graph.outputs().isEmpty());
                      assertArrayEquals(graph.serialize(), Graph.parse(graph.serialize()).serialize());
                    }));
  }
}
