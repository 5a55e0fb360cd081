package io.mars;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Named attributes of a call: {@code new Attributes().axis(1).keepdims(true)}. Those that are not set take the operator's default.
 *
 * <p>{@code set} takes any name, for operators that this class does not know: {@code set("axis", 1)} is {@code axis(1)}.
 */
public final class Attributes implements NamedAttributes {
  /** No attributes: every one takes its default. */
  static final Attributes NONE = new Attributes();

  private static final int KIND_NONE = 0;
  private static final int KIND_BOOL = 1;
  private static final int KIND_INT = 2;
  private static final int KIND_FLOAT = 3;
  private static final int KIND_STRING = 4;
  private static final int KIND_DTYPE = 5;
  private static final int KIND_SCALAR = 6;
  private static final int KIND_INTS = 7;
  private static final int KIND_STRINGS = 8;
  private static final int KIND_BYTES = 9;

  /** One attribute; {@code data} is null, or what the kind says: bytes of a text, longs, texts, bytes. */
  private record Entry(byte[] name, int kind, int dtype, long integer, double real, double imaginary, Object data) {}

  private final List<Entry> entries;

  /** An empty list. */
  public Attributes() {
    entries = new ArrayList<>();
  }

  /**
   * A copy, which may be added to.
   *
   * @param others the attributes to begin with
   */
  public Attributes(Attributes others) {
    entries = new ArrayList<>(others.entries);
  }

  private Attributes add(String name, int kind, int dtype, long integer, double real, double imaginary, Object data) {
    entries.add(new Entry(Native.text(name), kind, dtype, integer, real, imaginary, data));
    return this;
  }

  /**
   * NumPy's None.
   *
   * @param name name of the attribute
   * @return this
   */
  public Attributes setNone(String name) {
    return add(name, KIND_NONE, 0, 0, 0, 0, null);
  }

  /**
   * A truth value.
   *
   * @param name name of the attribute
   * @param value its value
   * @return this
   */
  public Attributes set(String name, boolean value) {
    return add(name, KIND_BOOL, 0, value ? 1 : 0, 0, 0, null);
  }

  /**
   * An integer.
   *
   * @param name name of the attribute
   * @param value its value
   * @return this
   */
  public Attributes set(String name, long value) {
    return add(name, KIND_INT, 0, value, 0, 0, null);
  }

  /**
   * A floating-point number.
   *
   * @param name name of the attribute
   * @param value its value
   * @return this
   */
  public Attributes set(String name, double value) {
    return add(name, KIND_FLOAT, 0, 0, value, 0, null);
  }

  /**
   * A text.
   *
   * @param name name of the attribute
   * @param value its value
   * @return this
   */
  public Attributes set(String name, String value) {
    return add(name, KIND_STRING, 0, 0, 0, 0, Native.text(value));
  }

  /**
   * An element type.
   *
   * @param name name of the attribute
   * @param value its value
   * @return this
   */
  public Attributes set(String name, DType value) {
    return add(name, KIND_DTYPE, 0, value.code(), 0, 0, null);
  }

  /**
   * An integer or truth value with an element type of its own.
   *
   * @param name name of the attribute
   * @param dtype its element type
   * @param value its value; of {@link DType#UINT64}, the bits
   * @return this
   */
  public Attributes set(String name, DType dtype, long value) {
    return add(name, KIND_SCALAR, dtype.code(), value, value, 0, null);
  }

  /**
   * A floating-point number with an element type of its own.
   *
   * @param name name of the attribute
   * @param dtype its element type: not one of integers
   * @param value its value
   * @return this
   */
  public Attributes set(String name, DType dtype, double value) {
    return set(name, dtype, value, 0);
  }

  /**
   * A complex number with an element type of its own.
   *
   * @param name name of the attribute
   * @param dtype its element type: not one of integers
   * @param real its real part
   * @param imaginary its imaginary part
   * @return this
   */
  public Attributes set(String name, DType dtype, double real, double imaginary) {
    switch (dtype) {
      case FLOAT16, BFLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128:
        return add(name, KIND_SCALAR, dtype.code(), 0, real, imaginary, null);
      default:
        throw new IllegalArgumentException("attribute '" + name + "' of type " + dtype + " takes an integer");
    }
  }

  /**
   * A list of integers.
   *
   * @param name name of the attribute
   * @param values its values
   * @return this
   */
  public Attributes set(String name, long[] values) {
    return add(name, KIND_INTS, 0, 0, 0, 0, values.clone());
  }

  /** A list of integers, or the one integer that some operators want: the library takes a number for a list of one. */
  Attributes setList(String name, long[] values) {
    return values.length == 1 ? set(name, values[0]) : set(name, values);
  }

  /** A list of integers, unless it is empty. */
  Attributes setUnlessEmpty(String name, long[] values) {
    return values.length == 0 ? this : set(name, values);
  }

  /**
   * A list of texts.
   *
   * @param name name of the attribute
   * @param values its values
   * @return this
   */
  public Attributes set(String name, String[] values) {
    return add(name, KIND_STRINGS, 0, 0, 0, 0, Native.texts(List.of(values)));
  }

  /**
   * Bytes.
   *
   * @param name name of the attribute
   * @param value its bytes
   * @return this
   */
  public Attributes set(String name, byte[] value) {
    return add(name, KIND_BYTES, 0, 0, 0, 0, value.clone());
  }

  int count() {
    return entries.size();
  }

  /** The largest number, or length of a list, among the attributes. */
  long largest() {
    long n = 0;
    for (Entry e : entries) n = Math.max(n, e.data instanceof long[] l ? l.length : e.kind == KIND_INT ? e.integer : 0);
    return n;
  }

  // What a call carries across JNI is one array of bytes in native order: a record of four words per operand (kind; handle or integer; real;
  // imaginary), one of eight words per attribute (kind; element type; place of the name; integer; real; imaginary; count; place of the data),
  // then the data, each piece at a multiple of eight bytes. Places are offsets in the array.

  private static final int OPERAND_BYTES = 32;
  private static final int ATTRIBUTE_BYTES = 64;

  private static int padded(int bytes) {
    return Math.addExact(bytes, 7) & ~7;
  }

  private static int dataBytes(Object data) {
    if (data == null) return 0;
    if (data instanceof byte[] b) return padded(b.length);
    if (data instanceof long[] l) return Math.multiplyExact(l.length, 8);
    byte[][] texts = (byte[][]) data;
    int total = Math.multiplyExact(texts.length, 8);
    for (byte[] t : texts) total = Math.addExact(total, padded(t.length));
    return total;
  }

  /** The call's array; handles of tensors come from {@code handles}, in the order of {@code inputs}. */
  byte[] pack(Operand[] inputs, long[] handles) {
    int fixed = inputs.length * OPERAND_BYTES + entries.size() * ATTRIBUTE_BYTES;
    int size = fixed;
    for (Entry e : entries) size = Math.addExact(size, Math.addExact(padded(e.name.length), dataBytes(e.data)));
    byte[] out = new byte[size];
    ByteBuffer b = ByteBuffer.wrap(out).order(ByteOrder.nativeOrder());
    int tensors = 0;
    for (Operand o : inputs) {
      if (o == null) {
        b.putLong(Operand.Scalar.NONE).putLong(0).putDouble(0).putDouble(0);
      } else if (o instanceof Operand.Scalar s) {
        b.putLong(s.kind).putLong(s.integer).putDouble(s.real).putDouble(s.imaginary);
      } else {
        b.putLong(0).putLong(handles[tensors++]).putDouble(0).putDouble(0);
      }
    }
    int place = fixed;
    for (Entry e : entries) {
      int name = place;
      place = put(b, place, e.name);
      int data = place;
      long count = 0;
      if (e.data instanceof byte[] bytes) {
        count = bytes.length;
        place = put(b, place, bytes);
      } else if (e.data instanceof long[] longs) {
        count = longs.length;
        for (long l : longs) {
          b.putLong(place, l);
          place += 8;
        }
      } else if (e.data instanceof byte[][] texts) {
        count = texts.length;
        int row = place;
        place += 8 * texts.length;
        for (byte[] t : texts) {
          b.putLong(row, place);
          row += 8;
          place = put(b, place, t);
        }
      }
      b.putLong(e.kind).putLong(e.dtype).putLong(name).putLong(e.integer).putDouble(e.real).putDouble(e.imaginary);
      b.putLong(count).putLong(data);
    }
    return out;
  }

  private static int put(ByteBuffer b, int place, byte[] bytes) {
    b.put(place, bytes);
    return place + padded(bytes.length);
  }
}
