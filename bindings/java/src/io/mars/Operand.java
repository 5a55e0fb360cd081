package io.mars;

/**
 * An argument of an operator: a {@link Tensor}, or a number that takes its element type from what it meets, as Python's numbers do in NumPy.
 *
 * <p>In place of an input that may be left out {@code null} leaves it out.
 */
public sealed interface Operand permits TensorMethods, Operand.Scalar {

  /** A number without an element type of its own. */
  final class Scalar implements Operand {
    static final int BOOL = 1;
    static final int INT = 2;
    static final int UINT = 3;
    static final int FLOAT = 4;
    static final int COMPLEX = 5;
    /** No number: the input is left out. */
    static final int NONE = 7;

    final int kind;
    final long integer;
    final double real;
    final double imaginary;

    private Scalar(int kind, long integer, double real, double imaginary) {
      this.kind = kind;
      this.integer = integer;
      this.real = real;
      this.imaginary = imaginary;
    }
  }

  /**
   * A truth value.
   *
   * @param value the value
   * @return the operand
   */
  static Operand of(boolean value) {
    return new Scalar(Scalar.BOOL, value ? 1 : 0, 0, 0);
  }

  /**
   * An integer.
   *
   * @param value the value
   * @return the operand
   */
  static Operand of(long value) {
    return new Scalar(Scalar.INT, value, 0, 0);
  }

  /**
   * An integer from 0 to 2<sup>64</sup> - 1.
   *
   * @param bits its 64 bits
   * @return the operand
   */
  static Operand ofUnsigned(long bits) {
    return new Scalar(bits < 0 ? Scalar.UINT : Scalar.INT, bits, 0, 0);
  }

  /**
   * A floating-point number.
   *
   * @param value the value
   * @return the operand
   */
  static Operand of(double value) {
    return new Scalar(Scalar.FLOAT, 0, value, 0);
  }

  /**
   * A complex number.
   *
   * @param real its real part
   * @param imaginary its imaginary part
   * @return the operand
   */
  static Operand of(double real, double imaginary) {
    return new Scalar(Scalar.COMPLEX, 0, real, imaginary);
  }
}
