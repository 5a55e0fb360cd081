package io.mars;

/** A failure for which Java has no better class: memory, files, linear algebra, a client's function, the library itself. */
public final class MarsException extends RuntimeException implements MarsError {
  private static final long serialVersionUID = 1;

  /** What the library told. */
  private final Report report;

  MarsException(String message, Report report) {
    super(message);
    this.report = report;
  }

  @Override
  public Report report() {
    return report;
  }
}
