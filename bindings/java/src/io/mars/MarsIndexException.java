package io.mars;

/** An index or axis out of bounds. */
public final class MarsIndexException extends IndexOutOfBoundsException implements MarsError {
  private static final long serialVersionUID = 1;

  /** What the library told. */
  private final Report report;

  MarsIndexException(String message, Report report) {
    super(message);
    this.report = report;
  }

  @Override
  public Report report() {
    return report;
  }
}
