package io.mars;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A chunk that a {@link ChunkFunction} reads or writes; valid during the call only. */
public final class Chunk {
  private final DType dtype;
  private final long[] shape;
  private final long[] lower;
  private final ByteBuffer buffer;

  Chunk(int dtype, long[] shape, long[] lower, ByteBuffer buffer) {
    this.dtype = DType.of(dtype);
    this.shape = shape;
    this.lower = lower;
    this.buffer = buffer.order(ByteOrder.nativeOrder());
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
   * Extents of the chunk.
   *
   * @return one per axis
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * Place of the chunk in its tensor.
   *
   * @return index of its first element, one per axis
   */
  public long[] lower() {
    return lower.clone();
  }

  /**
   * The elements in C order and native byte order. {@code buffer().asDoubleBuffer()} gives them as numbers.
   *
   * @return a direct buffer, read-only for the input
   */
  public ByteBuffer buffer() {
    return buffer;
  }
}
