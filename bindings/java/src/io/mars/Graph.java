package io.mars;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** A graph with named inputs and outputs, which can be written to bytes and read in any language. */
public final class Graph extends Resource {
  /** What a graph that is read may do beside computing. */
  public enum Capability {
    /** Read and write files. */
    FILES(1);

    private final int flag;

    Capability(int flag) {
      this.flag = flag;
    }
  }

  /** An empty graph. */
  public Graph() {
    super(Native.graphNew(), Native::graphRelease);
  }

  private Graph(long pointer) {
    super(pointer, Native::graphRelease);
  }

  /**
   * Reads a graph.
   *
   * @param bytes what {@link #serialize} gave, here or in another language
   * @param allowed what the graph may do beside computing
   * @return the graph
   */
  public static Graph parse(byte[] bytes, Capability... allowed) {
    Objects.requireNonNull(bytes, "bytes");
    return new Graph(Native.graphParse(bytes, Arrays.stream(allowed).mapToInt(c -> c.flag).reduce(0, (a, b) -> a | b)));
  }

  /**
   * The graph as bytes.
   *
   * @return a file of format graph.proto
   */
  public byte[] serialize() {
    long pointer = acquire();
    try {
      return Native.graphSerialize(pointer);
    } finally {
      drop();
    }
  }

  /**
   * Adds a named input, whose data is given when the graph is executed.
   *
   * @param name its name
   * @param dtype its element type
   * @param shape its extents, -1 for one that is not known yet
   * @return the input
   */
  public Tensor input(String name, DType dtype, long... shape) {
    Objects.requireNonNull(shape, "shape");
    long pointer = acquire();
    try {
      return new Tensor(Native.graphInput(pointer, Native.text(name), dtype.code(), shape));
    } finally {
      drop();
    }
  }

  /**
   * Names a result.
   *
   * @param name its name
   * @param tensor the result
   */
  public void output(String name, Tensor tensor) {
    long pointer = acquire();
    try {
      long t = tensor.acquire();
      try {
        Native.graphOutput(pointer, Native.text(name), t);
      } finally {
        tensor.drop();
      }
    } finally {
      drop();
    }
  }

  /**
   * The inputs by name.
   *
   * @return the inputs, in the order in which they were added
   */
  public Map<String, Tensor> inputs() {
    return named(Native::graphInputCount, Native::graphGetInput);
  }

  /**
   * The results by name.
   *
   * @return the results, in the order in which they were added
   */
  public Map<String, Tensor> outputs() {
    return named(Native::graphOutputCount, Native::graphGetOutput);
  }

  private interface Count {
    long of(long graph);
  }

  private interface Get {
    long of(byte[][] name, long graph, long i);
  }

  private Map<String, Tensor> named(Count count, Get get) {
    Map<String, Tensor> out = new LinkedHashMap<>();
    byte[][] name = new byte[1][];
    long pointer = acquire();
    try {
      long n = count.of(pointer);
      for (long i = 0; i < n; i++) {
        Tensor t = new Tensor(get.of(name, pointer, i));
        out.put(Native.string(name[0]), t);
      }
    } finally {
      drop();
    }
    return out;
  }
}
