package io.mars;

import java.util.Map;

/** What belongs to the whole process. */
public final class Mars {
  private static Session current;

  private Mars() {}

  /**
   * Version of the native library.
   *
   * @return "0.1.0"
   */
  public static String version() {
    return Native.string(Native.version());
  }

  /**
   * The session in which tensors are computed that are not given to another one; opened at the first call.
   *
   * @return the session; do not close it
   */
  public static synchronized Session defaultSession() {
    if (current == null) current = new Session(Native.sessionDefault());
    return current;
  }

  /**
   * Opens a session and makes it the default one.
   *
   * @param options options that differ from their defaults
   * @return the session
   */
  public static synchronized Session newSession(Map<String, String> options) {
    current = Session.open(options);
    return current;
  }

  /**
   * Computes several tensors in one run of the default session.
   *
   * @param tensors the tensors
   */
  public static void execute(Tensor... tensors) {
    defaultSession().execute(tensors);
  }

  /**
   * All operators of the library: inputs, attributes, outputs, documentation.
   *
   * @return a JSON array
   */
  public static String describeOperators() {
    return Native.string(Native.describeAll());
  }
}
