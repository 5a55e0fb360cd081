package io.mars;

import java.util.concurrent.CancellationException;

/** A run was cancelled, or the thread that waited for it was interrupted. */
public final class MarsCancelledException extends CancellationException implements MarsError {
  private static final long serialVersionUID = 1;

  /** Name of the operator concerned, or "". */
  private final String operator;

  /** Place of the call that created the failing tensor, or "". */
  private final String origin;

  MarsCancelledException(String message, String operator, String origin) {
    super(message);
    this.operator = operator;
    this.origin = origin;
  }

  @Override
  public Code code() {
    return Code.CANCELLED;
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
