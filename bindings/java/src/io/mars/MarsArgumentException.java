package io.mars;

/** A value, element type or graph file that is not acceptable. */
public final class MarsArgumentException extends IllegalArgumentException implements MarsError {
  private static final long serialVersionUID = 1;

  /** What the library told. */
  private final Report report;

  MarsArgumentException(String message, Report report) {
    super(message);
    this.report = report;
  }

  @Override
  public Report report() {
    return report;
  }
}
