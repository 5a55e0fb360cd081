package io.mars;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A tensor: values, or the calls that lead to them.
 *
 * <p>Shape, element type and sharing of storage between views are decided by the library as NumPy does. A tensor may be closed; one that is
 * not is released when it has become unreachable. Close tensors that hold large results: Java's collector does not see how large they are.
 */
public final class Tensor extends Resource implements TensorMethods {
  Tensor(long pointer) {
    super(pointer, Native::tensorRelease);
  }

  // ---- from memory ----

  /**
   * A tensor of numbers, which are copied now.
   *
   * @param data the elements in C order
   * @param shape extents
   * @return a {@link DType#FLOAT64} tensor
   */
  public static Tensor of(double[] data, long... shape) {
    return copy(data, data.length, DType.FLOAT64, shape);
  }

  /**
   * A tensor of numbers, which are copied now.
   *
   * @param data the elements in C order
   * @param shape extents
   * @return a {@link DType#FLOAT32} tensor
   */
  public static Tensor of(float[] data, long... shape) {
    return copy(data, data.length, DType.FLOAT32, shape);
  }

  /**
   * A tensor of integers, which are copied now.
   *
   * @param data the elements in C order
   * @param shape extents
   * @return an {@link DType#INT64} tensor
   */
  public static Tensor of(long[] data, long... shape) {
    return copy(data, data.length, DType.INT64, shape);
  }

  /**
   * A tensor of integers, which are copied now.
   *
   * @param data the elements in C order
   * @param shape extents
   * @return an {@link DType#INT32} tensor
   */
  public static Tensor of(int[] data, long... shape) {
    return copy(data, data.length, DType.INT32, shape);
  }

  /**
   * A tensor of truth values, which are copied now.
   *
   * @param data the elements in C order
   * @param shape extents
   * @return a {@link DType#BOOL} tensor
   */
  public static Tensor of(boolean[] data, long... shape) {
    return copy(data, data.length, DType.BOOL, shape);
  }

  private static Tensor copy(Object data, int length, DType dtype, long[] shape) {
    checkCount(length, shape);
    return new Tensor(Native.tensorFromArray(data, dtype.code(), shape));
  }

  private static void checkCount(long count, long[] shape) {
    long wanted = 1;
    for (long s : shape) {
      if (s < 0) throw new IllegalArgumentException("negative extent in shape " + Arrays.toString(shape));
      wanted = Math.multiplyExact(wanted, s);
    }
    if (wanted != count) {
      throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " takes " + wanted + " elements, not " + count);
    }
  }

  /**
   * A tensor of what remains in a buffer, which is copied now.
   *
   * @param data a direct buffer of elements in C order, in native byte order and set to it: {@code order(ByteOrder.nativeOrder())}
   * @param dtype type of the elements
   * @param shape extents
   * @return the tensor
   */
  public static Tensor copyOf(ByteBuffer data, DType dtype, long... shape) {
    return fromBuffer(data, dtype, shape, Native.COPY);
  }

  /**
   * A tensor that uses the memory of what remains in a buffer, without copying. The buffer stays reachable as long as the tensor needs it;
   * do not write to it until what depends on it has been executed.
   *
   * @param data a direct buffer of elements in C order, in native byte order and set to it: {@code order(ByteOrder.nativeOrder())}
   * @param dtype type of the elements
   * @param shape extents
   * @return the tensor
   */
  public static Tensor alias(ByteBuffer data, DType dtype, long... shape) {
    return fromBuffer(data, dtype, shape, Native.ALIAS);
  }

  /** Refuses a buffer through which elements would be read and written in another byte order than theirs. */
  static void checkOrder(ByteBuffer data, DType dtype) {
    if (dtype.itemSize() == 1 || data.order() == ByteOrder.nativeOrder()) return;
    throw new IllegalArgumentException(
        "the buffer's byte order is " + data.order() + ", but elements are in native order, " + ByteOrder.nativeOrder()
            + ": read and write them through buffer.order(ByteOrder.nativeOrder())");
  }

  private static Tensor fromBuffer(ByteBuffer data, DType dtype, long[] shape, int mode) {
    if (!data.isDirect()) throw new IllegalArgumentException("a direct buffer is needed");
    checkOrder(data, dtype);
    if (data.remaining() % dtype.itemSize() != 0) {
      throw new IllegalArgumentException(data.remaining() + " bytes are not a whole number of elements of " + dtype);
    }
    checkCount(data.remaining() / dtype.itemSize(), shape);
    return new Tensor(Native.tensorFromBuffer(data.slice(), data.isReadOnly(), dtype.code(), shape, mode));
  }

  // ---- what it is; never runs anything ----

  private long[] describe() {
    long pointer = acquire();
    try {
      return Native.tensorDescribe(pointer);
    } finally {
      drop();
    }
  }

  /**
   * Type of the elements.
   *
   * @return the type
   */
  public DType dtype() {
    return DType.of((int) describe()[0]);
  }

  /**
   * Extents; -1 where one is not known before the tensor is executed.
   *
   * @return one extent per axis
   */
  public long[] shape() {
    long[] info = describe();
    return Arrays.copyOfRange(info, 2, info.length);
  }

  /**
   * Number of axes.
   *
   * @return the number
   */
  public int ndim() {
    return describe().length - 2;
  }

  /**
   * Whether the value is at hand.
   *
   * @return whether it is
   */
  public boolean isExecuted() {
    return describe()[1] != 0;
  }

  /**
   * Whether two tensors are views of one storage, also where these have no element in common.
   *
   * @param other the other tensor
   * @return whether they share storage
   */
  public boolean sharesStorage(Tensor other) {
    return together(other, Native::tensorSharesStorage);
  }

  /**
   * Whether writing to one of two tensors can change the other; also where that depends on extents that are not known yet.
   *
   * @param other the other tensor
   * @return whether they have an element in common
   */
  public boolean sharesMemory(Tensor other) {
    return together(other, (a, b) -> Native.tensorSharesMemory(a, b, true));
  }

  private interface Question {
    boolean of(long a, long b);
  }

  private boolean together(Tensor other, Question question) {
    long a = acquire();
    try {
      long b = other.acquire();
      try {
        return question.of(a, b);
      } finally {
        other.drop();
      }
    } finally {
      drop();
    }
  }

  // ---- calls ----

  /**
   * Applies an operator with one output; this tensor is its first input.
   *
   * @param operator name of the operator
   * @param attributes attributes that differ from their defaults
   * @param rest the inputs after the first
   * @return the output
   */
  public Tensor apply(String operator, Attributes attributes, Operand... rest) {
    Operand[] inputs = new Operand[rest.length + 1];
    inputs[0] = this;
    System.arraycopy(rest, 0, inputs, 1, rest.length);
    return Operator.of(operator).apply(attributes, inputs);
  }

  /**
   * Applies an operator with one output and the defaults of all attributes; this tensor is its first input.
   *
   * @param operator name of the operator
   * @param rest the inputs after the first
   * @return the output
   */
  public Tensor apply(String operator, Operand... rest) {
    return apply(operator, Attributes.NONE, rest);
  }

  /**
   * Writes a value to all elements, converted and broadcast: {@code tensor[...] = value}. Tensors that share storage see it.
   *
   * @param value the value
   */
  public void assign(Operand value) {
    byte[] origin = Native.origin();
    long target = acquire();
    try {
      if (value instanceof Tensor t) {
        long source = t.acquire();
        try {
          Native.tensorAssign(target, 0, source, 0, 0, origin);
        } finally {
          t.drop();
        }
      } else {
        Scalar s = (Scalar) value;
        Native.tensorAssign(target, s.kind, s.integer, s.real, s.imaginary, origin);
      }
    } finally {
      drop();
    }
  }

  /**
   * The present value as a tensor of its own, which later writes do not change.
   *
   * @return the tensor
   */
  public Tensor snapshot() {
    long pointer = acquire();
    try {
      return new Tensor(Native.tensorSnapshot(pointer));
    } finally {
      drop();
    }
  }

  /**
   * A function of the client applied to every chunk; shapes stay the same. It is called once per chunk, from threads of the library, several
   * at a time. What it throws ends the execution with its class and message.
   *
   * @param dtype element type of the result
   * @param function the function
   * @return the result
   */
  public Tensor mapChunk(DType dtype, ChunkFunction function) {
    if (function == null) throw new NullPointerException("function");
    byte[] origin = Native.origin();
    long pointer = acquire();
    try {
      return new Tensor(Native.tensorMapChunk(pointer, dtype.code(), function, origin));
    } finally {
      drop();
    }
  }

  // ---- running, in the default session ----

  /**
   * Computes the value and waits; see {@link Session#execute(Tensor...)}.
   *
   * @return this
   */
  public Tensor execute() {
    Mars.defaultSession().execute(this);
    return this;
  }

  /**
   * The values, computed first if need be; see {@link Session#fetch}.
   *
   * @return the values, without a copy where that is possible
   */
  public NDArray fetch() {
    return Mars.defaultSession().fetch(this);
  }

  /**
   * Text of the plan that executing the tensor would run.
   *
   * @return the text
   */
  public String explain() {
    return Mars.defaultSession().explain(this);
  }

  /** Element type and shape; never runs anything. */
  @Override
  public String toString() {
    long[] info;
    try {
      info = describe();
    } catch (IllegalStateException closed) {
      return "Tensor(closed)";
    }
    StringBuilder text = new StringBuilder("Tensor(").append(DType.of((int) info[0]).name().toLowerCase(java.util.Locale.ROOT)).append(" [");
    for (int i = 2; i < info.length; i++) text.append(i > 2 ? ", " : "").append(info[i] < 0 ? "?" : Long.toString(info[i]));
    return text.append("])").toString();
  }
}
