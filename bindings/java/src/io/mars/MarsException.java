package io.mars;

/** A failure for which Java has no better class: memory, files, linear algebra, a client's function, the library itself. */
public final class MarsException extends RuntimeException implements MarsError {
  private static final long serialVersionUID = 1;

  /** Kind of the failure. */
  private final Code code;

  /** Name of the operator concerned, or "". */
  private final String operator;

  /** Place of the call that created the failing tensor, or "". */
  private final String origin;

  MarsException(Code code, String message, String operator, String origin) {
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
