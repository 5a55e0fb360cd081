package io.mars;

/** Something that this version of the library cannot do. */
public final class MarsUnsupportedException extends UnsupportedOperationException implements MarsError {
  private static final long serialVersionUID = 1;

  /** Name of the operator concerned, or "". */
  private final String operator;

  /** Place of the call that created the failing tensor, or "". */
  private final String origin;

  MarsUnsupportedException(String message, String operator, String origin) {
    super(message);
    this.operator = operator;
    this.origin = origin;
  }

  @Override
  public Code code() {
    return Code.UNSUPPORTED;
  }

  @Override
  public String operator() {
    return operator;
  }

  @Override
  public String origin() {
    return origin;
  }
}
