package io.mars;

import java.io.Serializable;

/**
 * What every exception that comes from the library can tell.
 *
 * <p>Their classes extend the exception that Java uses for such a failure: {@link MarsArgumentException} is an {@link
 * IllegalArgumentException}, {@link MarsIndexException} an {@link IndexOutOfBoundsException}, and so on; what Java has no class for is a
 * {@link MarsException}.
 */
public sealed interface MarsError
    permits MarsException, MarsArgumentException, MarsIndexException, MarsUnsupportedException, MarsCancelledException {

  /** Kind of a failure. */
  enum Code {
    /** A value that is not acceptable. */
    VALUE,
    /** An element type or kind of argument that is not acceptable. */
    TYPE,
    /** An index out of bounds. */
    INDEX,
    /** An axis that the tensor does not have. */
    AXIS,
    /** A problem of linear algebra that has no solution. */
    LINALG,
    /** More memory than there is or than the limit allows. */
    MEMORY,
    /** A number that does not fit its type. */
    OVERFLOW,
    /** A file or another service of the system. */
    OS,
    /** The run was cancelled. */
    CANCELLED,
    /** A graph file that cannot be read. */
    FORMAT,
    /** Something that this version cannot do. */
    UNSUPPORTED,
    /** A function of the client failed. */
    CALLBACK,
    /** An object that is not there any more. */
    HANDLE,
    /** Not done in time. */
    TIMEOUT,
    /** A defect of the library itself. */
    INTERNAL,
    /** A call that has to know extents which only running finds: execute the tensors that have them first. */
    UNKNOWN_EXTENTS;

    static Code of(int status) {
      Code[] all = values();
      return status < 0 && status >= -all.length ? all[-status - 1] : INTERNAL;
    }
  }

  /** What the library tells about a failure. */
  final class Report implements Serializable {
    private static final long serialVersionUID = 1;

    /** Kind of the failure. */
    private final Code code;

    /** Name of the operator concerned, or "". */
    private final String operator;

    /** Place of the call that created the failing tensor, or "". */
    private final String origin;

    /** errno of the operating system, or 0. */
    private final int systemError;

    /** The file that the operating system was asked for, or "". */
    private final String path;

    Report(Code code, String operator, String origin, int systemError, String path) {
      this.code = code;
      this.operator = operator;
      this.origin = origin;
      this.systemError = systemError;
      this.path = path;
    }
  }

  /**
   * All that the library tells about the failure.
   *
   * @return the report
   */
  Report report();

  /**
   * Kind of the failure.
   *
   * @return the kind
   */
  default Code code() {
    return report().code;
  }

  /**
   * The operator concerned.
   *
   * @return its name, or ""
   */
  default String operator() {
    return report().operator;
  }

  /**
   * Where the program made the call that created the failing tensor.
   *
   * @return a place in a source file, or ""
   */
  default String origin() {
    return report().origin;
  }

  /**
   * Why the operating system failed, where it did.
   *
   * @return its errno, or 0
   */
  default int systemError() {
    return report().systemError;
  }

  /**
   * The file that the operating system failed with.
   *
   * @return its path, or ""
   */
  default String path() {
    return report().path;
  }
}
