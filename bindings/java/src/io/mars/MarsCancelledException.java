package io.mars;

import java.util.concurrent.CancellationException;

/** A run was cancelled, or the thread that waited for it was interrupted. */
public final class MarsCancelledException extends CancellationException implements MarsError {
  private static final long serialVersionUID = 1;

  /** What the library told. */
  private final Report report;

  MarsCancelledException(String message, Report report) {
    super(message);
    this.report = report;
  }

  @Override
  public Report report() {
    return report;
  }
}
