package io.mars;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** An operator of the library, looked up by name once. */
public final class Operator {
  /** Those looked up so far. */
  private static final Map<String, Operator> KNOWN = new ConcurrentHashMap<>();

  /** As many outputs as there can be axes. */
  private static final int ROOM = 64;

  /** Where extents decide how many outputs there are, as many as any sensible call has. */
  private static final long MOST = 1 << 16;

  private final String name;
  private final int number;

  private Operator(String name) {
    this.name = name;
    this.number = Native.opFind(Native.text(name));
  }

  /**
   * Finds an operator.
   *
   * @param name its name: NumPy's where NumPy has it
   * @return the operator
   */
  public static Operator of(String name) {
    Operator known = KNOWN.get(name);
    return known != null ? known : KNOWN.computeIfAbsent(name, Operator::new);
  }

  /**
   * Name of the operator.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * All that the library knows about the operator: inputs, attributes, outputs, documentation.
   *
   * @return a JSON object
   */
  public String describe() {
    return Native.string(Native.describe(Native.text(name)));
  }

  /** Inputs of which the last ones are a list. */
  static Operand[] join(Operand[] list, Operand... first) {
    Operand[] all = Arrays.copyOf(first, first.length + list.length);
    System.arraycopy(list, 0, all, first.length, list.length);
    return all;
  }

  /**
   * Applies the operator, which has one output.
   *
   * @param attributes attributes that differ from their defaults
   * @param inputs the inputs
   * @return the output
   */
  public Tensor apply(Attributes attributes, Operand... inputs) {
    return applyAll(1, attributes, inputs)[0];
  }

  /**
   * Applies the operator, which has one output, with the defaults of all attributes.
   *
   * @param inputs the inputs
   * @return the output
   */
  public Tensor apply(Operand... inputs) {
    return apply(Attributes.NONE, inputs);
  }

  /**
   * Applies the operator.
   *
   * @param outputs number of the operator's outputs; where that follows from the arguments, at least so many
   * @param attributes attributes that differ from their defaults
   * @param inputs the inputs, in declared order; null for one that is left out
   * @return the outputs
   */
  public Tensor[] applyAll(int outputs, Attributes attributes, Operand... inputs) {
    List<Tensor> tensors = new ArrayList<>(inputs.length);
    for (Operand o : inputs) {
      if (o instanceof Tensor t) tensors.add(t);
    }
    long[] out = new long[outputs];
    long[] handles = Resource.acquireAll(tensors);
    try {
      Native.graphApply(out, number, attributes.pack(inputs, handles), inputs.length, attributes.count(), Native.origin());
    } finally {
      Resource.dropAll(tensors);
    }
    return Arrays.stream(out).filter(pointer -> pointer != 0).mapToObj(Tensor::new).toArray(Tensor[]::new);
  }

  /**
   * Applies the operator, whose number of outputs follows from its arguments, as that of {@code split} does.
   *
   * @param attributes attributes that differ from their defaults
   * @param inputs the inputs
   * @return the outputs
   */
  public Tensor[] applyOpen(Attributes attributes, Operand... inputs) {
    // Outputs are one per operand, axis, section or element of a list; unstack has one per extent.
    long room = Math.max(inputs.length, attributes.largest() + 1);
    for (Operand o : inputs) {
      if (o instanceof Tensor t) room = Math.max(room, Arrays.stream(t.shape()).max().orElse(0));
    }
    return applyAll((int) Math.max(ROOM, Math.min(MOST, room)), attributes, inputs);
  }

  @Override
  public String toString() {
    return name;
  }
}
