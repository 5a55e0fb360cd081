package io.mars;

/** Type of the elements of a tensor. */
public enum DType {
  /** One byte, 0 or 1. */
  BOOL(1, 1),
  /** Signed, 8 bits. */
  INT8(2, 1),
  /** Signed, 16 bits. */
  INT16(3, 2),
  /** Signed, 32 bits. */
  INT32(4, 4),
  /** Signed, 64 bits. */
  INT64(5, 8),
  /** Unsigned, 8 bits. */
  UINT8(6, 1),
  /** Unsigned, 16 bits. */
  UINT16(7, 2),
  /** Unsigned, 32 bits. */
  UINT32(8, 4),
  /** Unsigned, 64 bits. */
  UINT64(9, 8),
  /** IEEE 754 half precision. */
  FLOAT16(10, 2),
  /** The upper half of a {@link #FLOAT32}. */
  BFLOAT16(11, 2),
  /** IEEE 754 single precision. */
  FLOAT32(12, 4),
  /** IEEE 754 double precision. */
  FLOAT64(13, 8),
  /** Two {@link #FLOAT32}: real and imaginary part. */
  COMPLEX64(14, 8),
  /** Two {@link #FLOAT64}: real and imaginary part. */
  COMPLEX128(15, 16);

  private static final DType[] BY_CODE = values();

  private final int code;
  private final int itemSize;

  DType(int code, int itemSize) {
    this.code = code;
    this.itemSize = itemSize;
  }

  /**
   * Number of this type in the C interface and in graph files.
   *
   * @return a number from 1
   */
  public int code() {
    return code;
  }

  /**
   * Bytes of one element.
   *
   * @return from 1 to 16
   */
  public int itemSize() {
    return itemSize;
  }

  /**
   * The type with a number.
   *
   * @param code a number as {@link #code} gives it
   * @return the type
   */
  public static DType of(int code) {
    if (code < 1 || code > BY_CODE.length) throw new IllegalArgumentException("no element type has number " + code);
    return BY_CODE[code - 1];
  }

  /**
   * Common type of this and another one, by NumPy's rules.
   *
   * @param other the other type
   * @return the smallest type that holds both
   */
  public DType promote(DType other) {
    return of(Native.promote(code, other.code));
  }

  /**
   * Whether values may be converted to another type, by NumPy's rules.
   *
   * @param to the other type
   * @param casting "safe" or "same_kind"
   * @return whether they may
   */
  public boolean canCast(DType to, String casting) {
    return Native.canCast(code, to.code, Native.text(casting));
  }
}
