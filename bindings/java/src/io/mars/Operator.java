package io.mars;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** An operator of the library, looked up by name once. */
public final class Operator {
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
    return new Operator(name);
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
   * @param outputs number of the operator's outputs
   * @param attributes attributes that differ from their defaults
   * @param inputs the inputs
   * @return the outputs
   */
  public Tensor[] applyAll(int outputs, Attributes attributes, Operand... inputs) {
    List<Tensor> tensors = new ArrayList<>(inputs.length);
    for (Operand o : inputs) {
      if (Objects.requireNonNull(o, "operand") instanceof Tensor t) tensors.add(t);
    }
    long[] out = new long[outputs];
    long[] handles = Resource.acquireAll(tensors);
    try {
      Native.graphApply(out, number, attributes.pack(inputs, handles), inputs.length, attributes.count(), Native.origin());
    } finally {
      Resource.dropAll(tensors);
    }
    return Arrays.stream(out).mapToObj(Tensor::new).toArray(Tensor[]::new);
  }

  @Override
  public String toString() {
    return name;
  }
}
