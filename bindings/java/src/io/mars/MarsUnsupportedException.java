package io.mars;

/** Something that this version of the library cannot do. */
public final class MarsUnsupportedException extends UnsupportedOperationException implements MarsError {
  private static final long serialVersionUID = 1;

  /** What the library told. */
  private final Report report;

  MarsUnsupportedException(String message, Report report) {
    super(message);
    this.report = report;
  }

  @Override
  public Report report() {
    return report;
  }
}
