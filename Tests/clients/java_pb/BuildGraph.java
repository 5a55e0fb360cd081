import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import mars.graph.GraphProto.Attribute;
import mars.graph.GraphProto.DType;
import mars.graph.GraphProto.Graph;
import mars.graph.GraphProto.Ints;
import mars.graph.GraphProto.Node;
import mars.graph.GraphProto.Operator;
import mars.graph.GraphProto.Port;
import mars.graph.GraphProto.Scalar;

/**
 * Writes the graph of (a + 1).sum(axis=1) with nothing but Google's protobuf library.
 *
 * <p>usage: BuildGraph FILE. The placeholder "a" is float64 of shape (3, 4); the result is named "out".
 */
public final class BuildGraph {
  private BuildGraph() {}

  static Graph build() {
    ByteBuffer one = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(0, 1.0);
    Graph.Builder graph = Graph.newBuilder().setFormat(1).setComplete(true);
    for (String name : List.of("input", "constant", "add", "sum")) {
      graph.addOperators(Operator.newBuilder().setName(name).setVersion(1));
    }
    graph.addNodes(
        Node.newBuilder()
            .setOp(0)
            .addAttributes(Attribute.newBuilder().setName("name").setStringValue("a"))
            .addAttributes(Attribute.newBuilder().setName("dtype").setDtypeValue(DType.DTYPE_FLOAT64))
            .addAttributes(Attribute.newBuilder().setName("shape").setIntsValue(ints(3, 4))));
    graph.addNodes(
        Node.newBuilder()
            .setOp(1)
            .addAttributes(
                Attribute.newBuilder()
                    .setName("value")
                    .setScalarValue(
                        Scalar.newBuilder().setDtype(DType.DTYPE_FLOAT64).setData(ByteString.copyFrom(one)))));
    graph.addNodes(Node.newBuilder().setOp(2).addAllInputs(List.of(0, 0, 1, 0)));
    graph.addNodes(
        Node.newBuilder()
            .setOp(3)
            .addAllInputs(List.of(2, 0))
            .addAttributes(Attribute.newBuilder().setName("axis").setIntsValue(ints(1))));
    return graph
        .addInputs(Port.newBuilder().setName("a").setNode(0))
        .addOutputs(Port.newBuilder().setName("out").setNode(3))
        .build();
  }

  private static Ints ints(long... values) {
    Ints.Builder list = Ints.newBuilder();
    for (long v : values) {
      list.addValues(v);
    }
    return list.build();
  }

  /** Writes the file named by the only argument. */
  public static void main(String[] arguments) throws Exception {
    Files.write(Path.of(arguments[0]), build().toByteArray());
  }
}
