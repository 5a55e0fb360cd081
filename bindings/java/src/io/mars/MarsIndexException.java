package io.mars;

/** An index or axis out of bounds. */
public final class MarsIndexException extends IndexOutOfBoundsException implements MarsError {
  private static final long serialVersionUID = 1;

  /** Kind of the failure. */
  private final Code code;

  /** Name of the operator concerned, or "". */
  private final String operator;

  /** Place of the call that created the failing tensor, or "". */
  private final String origin;

  MarsIndexException(Code code, String message, String operator, String origin) {
    super(message);
    this.code = code;
    this.operator = operator;
    this.origin = origin;
  }

  @Override
  public Code code() {
    return code;
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
