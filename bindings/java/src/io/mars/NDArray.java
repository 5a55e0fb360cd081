package io.mars;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Values that were fetched: one piece of native memory with element type, shape and strides.
 *
 * <p>The memory is given back when the array is closed or has become unreachable, and no buffer that it gave out is reachable any more.
 */
public final class NDArray extends Resource {
  private static final int READONLY = 1;

  private final DType dtype;
  private final boolean isReadOnly;
  private final long[] shape;
  private final long[] strides;

  NDArray(long pointer) {
    super(pointer, Native::arrayRelease);
    long[] info = Native.arrayDescribe(pointer);
    int ndim = (info.length - 2) / 2;
    dtype = DType.of((int) info[0]);
    isReadOnly = (info[1] & READONLY) != 0;
    shape = Arrays.copyOfRange(info, 2, 2 + ndim);
    strides = Arrays.copyOfRange(info, 2 + ndim, 2 + 2 * ndim);
  }

  /**
   * Type of the elements.
   *
   * @return the type
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * Extents.
   *
   * @return one per axis
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * Bytes from one element to the next.
   *
   * @return one per axis
   */
  public long[] strides() {
    return strides.clone();
  }

  /**
   * Number of elements.
   *
   * @return the number
   */
  public long size() {
    long n = 1;
    for (long s : shape) n *= s;
    return n;
  }

  /**
   * Whether the elements follow each other in C order.
   *
   * @return whether they do
   */
  public boolean isContiguous() {
    if (size() == 0) return true;
    long step = dtype.itemSize();
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] != 1 && strides[i] != step) return false;
      step *= shape[i];
    }
    return true;
  }

  /**
   * The memory itself, without a copy. The elements must be contiguous and at most 2 GiB; {@link #buffer(long, long)} shows parts of larger
   * arrays.
   *
   * @return a direct buffer in native byte order
   */
  public ByteBuffer buffer() {
    return buffer(0, size());
  }

  /**
   * Some elements of the memory itself, without a copy. The elements must be contiguous.
   *
   * @param first number of the first element, in C order
   * @param count how many
   * @return a direct buffer in native byte order
   */
  public ByteBuffer buffer(long first, long count) {
    if (first < 0 || count < 0 || first > size() - count) {
      throw new IndexOutOfBoundsException("elements " + first + " to " + (first + count) + " of " + size());
    }
    if (!isContiguous()) throw new IllegalStateException("the elements are not contiguous: copy them");
    long bytes = count * dtype.itemSize();
    if (bytes > Integer.MAX_VALUE) throw new IllegalStateException("a Java buffer holds at most 2 GiB, not " + bytes + " bytes");
    long pointer = acquire();
    ByteBuffer root;
    try {
      root = bytes == 0 ? ByteBuffer.allocateDirect(0) : Native.arrayBuffer(pointer, first * dtype.itemSize(), bytes);
      // Every buffer derived from `root` keeps it reachable: the use that begun above ends with the last of them.
      CLEANER.register(root, state()::drop);
    } catch (Throwable t) {
      drop();
      throw t;
    }
    root.order(ByteOrder.nativeOrder());
    return isReadOnly ? root.asReadOnlyBuffer().order(ByteOrder.nativeOrder()) : root;
  }

  private int length(int perElement, DType... accepted) {
    if (!Arrays.asList(accepted).contains(dtype)) {
      throw new IllegalStateException("the elements are " + dtype + ", not " + Arrays.toString(accepted) + ": convert the tensor with astype");
    }
    long n = size() * perElement;
    if (n > Integer.MAX_VALUE - 8) throw new IllegalStateException("a Java array cannot hold " + n + " elements");
    return (int) n;
  }

  private <T> T copyTo(T destination) {
    long pointer = acquire();
    try {
      Native.arrayCopy(pointer, destination);
      return destination;
    } finally {
      drop();
    }
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#FLOAT64}, or of {@link DType#COMPLEX128} as pairs
   */
  public double[] toDoubleArray() {
    return copyTo(new double[length(dtype == DType.COMPLEX128 ? 2 : 1, DType.FLOAT64, DType.COMPLEX128)]);
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#FLOAT32}, or of {@link DType#COMPLEX64} as pairs
   */
  public float[] toFloatArray() {
    return copyTo(new float[length(dtype == DType.COMPLEX64 ? 2 : 1, DType.FLOAT32, DType.COMPLEX64)]);
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#INT64} or of the bits of {@link DType#UINT64}
   */
  public long[] toLongArray() {
    return copyTo(new long[length(1, DType.INT64, DType.UINT64)]);
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#INT32} or of the bits of {@link DType#UINT32}
   */
  public int[] toIntArray() {
    return copyTo(new int[length(1, DType.INT32, DType.UINT32)]);
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#INT16} or of the bits of {@link DType#UINT16}, {@link DType#FLOAT16} or {@link DType#BFLOAT16}
   */
  public short[] toShortArray() {
    return copyTo(new short[length(1, DType.INT16, DType.UINT16, DType.FLOAT16, DType.BFLOAT16)]);
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#INT8} or of the bits of {@link DType#UINT8}
   */
  public byte[] toByteArray() {
    return copyTo(new byte[length(1, DType.INT8, DType.UINT8)]);
  }

  /**
   * The elements in C order.
   *
   * @return a copy of {@link DType#BOOL}
   */
  public boolean[] toBooleanArray() {
    return copyTo(new boolean[length(1, DType.BOOL)]);
  }

  /**
   * The only element of a {@link DType#FLOAT64} or {@link DType#FLOAT32} array.
   *
   * @return its value
   */
  public double toDouble() {
    checkSingle();
    return dtype == DType.FLOAT32 ? toFloatArray()[0] : toDoubleArray()[0];
  }

  /**
   * The only element of an array of integers; of {@link DType#UINT64}, the bits.
   *
   * @return its value
   */
  public long toLong() {
    checkSingle();
    return switch (dtype) {
      case INT8 -> toByteArray()[0];
      case UINT8 -> Byte.toUnsignedLong(toByteArray()[0]);
      case INT16 -> toShortArray()[0];
      case UINT16 -> Short.toUnsignedLong(toShortArray()[0]);
      case INT32 -> toIntArray()[0];
      case UINT32 -> Integer.toUnsignedLong(toIntArray()[0]);
      default -> toLongArray()[0];
    };
  }

  /**
   * The only element of a {@link DType#BOOL} array.
   *
   * @return its value
   */
  public boolean toBoolean() {
    checkSingle();
    return toBooleanArray()[0];
  }

  private void checkSingle() {
    if (size() != 1) throw new IllegalStateException("one element is needed, not " + size());
  }
}
