package io.mars;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A place where tensors are computed, with options of its own.
 *
 * <p>Threads and memory belong to the process, and so do their limits: of the sessions that are open, the smallest "memory_limit" holds for
 * all, and for "workers", "spill_dir" and "cache_dir" the one opened last that names them decides. A session asks for what its options say
 * until it is closed.
 */
public final class Session extends Resource {
  Session(long pointer) {
    super(pointer, Native::sessionRelease);
  }

  /**
   * An option of a session.
   *
   * @param name its name
   * @param value its value in the session
   * @param doc what it does
   */
  public record Option(String name, String value, String doc) {}

  /**
   * Opens a session with the defaults of all options.
   *
   * @return the session
   */
  public static Session open() {
    return open(Map.of());
  }

  /**
   * Opens a session.
   *
   * @param options options that differ from their defaults: "workers", "memory_limit", "spill_dir" and those that {@link #options} lists
   * @return the session
   */
  public static Session open(Map<String, String> options) {
    return new Session(Native.sessionOpen(Native.texts(List.copyOf(options.keySet())), Native.texts(List.copyOf(options.values()))));
  }

  /**
   * Every option with its value.
   *
   * @return the options
   */
  public List<Option> options() {
    List<Option> out = new ArrayList<>();
    for (Object o : (List<?>) Json.parse(Native.string(bytes(Native::sessionOptions)))) {
      Map<?, ?> fields = (Map<?, ?>) o;
      out.add(new Option((String) fields.get("name"), (String) fields.get("value"), (String) fields.get("doc")));
    }
    return out;
  }

  /**
   * Changes an option.
   *
   * @param name its name
   * @param value its new value
   */
  public void setOption(String name, String value) {
    long pointer = acquire();
    try {
      Native.sessionSetOption(pointer, Native.text(name), Native.text(value));
    } finally {
      drop();
    }
  }

  /**
   * Says whether what the session's options ask of the process counts, as it does from its opening on: false for a session that stays open
   * while another takes its place.
   *
   * @param claims whether it counts
   */
  public void claim(boolean claims) {
    long pointer = acquire();
    try {
      Native.sessionClaim(pointer, claims);
    } finally {
      drop();
    }
  }

  /**
   * Counters of what the session has done.
   *
   * @return values by name
   */
  public Map<String, Number> statistics() {
    Map<String, Number> out = new LinkedHashMap<>();
    ((Map<?, ?>) Json.parse(Native.string(bytes(Native::sessionStatistics))))
        .forEach(
            (name, value) -> {
              if (value instanceof Number n) out.put((String) name, n);
            });
    return out;
  }

  /**
   * Events since the last call, if the option "trace" is "1".
   *
   * @return Chrome's trace format
   */
  public String trace() {
    return Native.string(bytes(Native::sessionTrace));
  }

  private interface Text {
    byte[] of(long session);
  }

  private byte[] bytes(Text call) {
    long pointer = acquire();
    try {
      return call.of(pointer);
    } finally {
      drop();
    }
  }

  /**
   * Computes tensors and waits. Afterwards they hold their values. If the thread is interrupted, the run is cancelled.
   *
   * @param tensors the tensors
   */
  public void execute(Tensor... tensors) {
    try (Run run = executeAsync(tensors)) {
      run.await();
    }
  }

  /**
   * Computes tensors with data for named inputs, and waits. The tensors stay as they are.
   *
   * @param tensors the tensors
   * @param bindings data by name of the input
   * @return their values
   */
  public List<Tensor> execute(List<Tensor> tensors, Map<String, Tensor> bindings) {
    try (Run run = executeAsync(tensors, bindings)) {
      run.await();
      return run.results();
    }
  }

  /**
   * Starts to compute tensors.
   *
   * @param tensors the tensors
   * @return the run
   */
  public Run executeAsync(Tensor... tensors) {
    return executeAsync(List.of(tensors), Map.of());
  }

  /**
   * Starts to compute tensors with data for named inputs.
   *
   * @param tensors the tensors
   * @param bindings data by name of the input
   * @return the run
   */
  public Run executeAsync(List<Tensor> tensors, Map<String, Tensor> bindings) {
    List<String> names = new ArrayList<>();
    List<Tensor> bound = new ArrayList<>();
    bindings.forEach(
        (name, tensor) -> {
          names.add(name);
          bound.add(tensor);
        });
    byte[][] texts = Native.texts(names);
    long pointer = acquire();
    try {
      return with(tensors, t -> with(bound, b -> new Run(Native.executeAsync(pointer, t, texts, b), t.length)));
    } finally {
      drop();
    }
  }

  private interface Call<R> {
    R on(long[] pointers);
  }

  /** A call with the native references of tensors. */
  private static <R> R with(List<Tensor> tensors, Call<R> call) {
    long[] pointers = acquireAll(tensors);
    try {
      return call.on(pointers);
    } finally {
      dropAll(tensors);
    }
  }

  /**
   * The values of a tensor, computed first if need be.
   *
   * @param tensor the tensor
   * @return the values, without a copy where that is possible
   */
  public NDArray fetch(Tensor tensor) {
    if (!tensor.isExecuted()) execute(tensor); // so that an interrupt reaches it
    long pointer = acquire();
    try {
      return with(List.of(tensor), t -> new NDArray(Native.fetch(pointer, t[0])));
    } finally {
      drop();
    }
  }

  /**
   * Writes the values of a tensor into a buffer, computed first if need be.
   *
   * @param tensor the tensor
   * @param destination a direct buffer in native byte order, which Java's new buffers are not in; what remains in it must be as many
   *     bytes as the tensor has
   */
  public void fetchInto(Tensor tensor, ByteBuffer destination) {
    if (!destination.isDirect()) throw new IllegalArgumentException("a direct buffer is needed");
    if (destination.isReadOnly()) throw new java.nio.ReadOnlyBufferException();
    if (!tensor.isExecuted()) execute(tensor);
    long[] shape = tensor.shape();
    DType dtype = tensor.dtype();
    Tensor.checkOrder(destination, dtype);
    long bytes = dtype.itemSize();
    for (long s : shape) bytes *= s;
    if (bytes != destination.remaining()) {
      throw new IllegalArgumentException("the tensor has " + bytes + " bytes, the buffer " + destination.remaining());
    }
    long pointer = acquire();
    try {
      with(
          List.of(tensor),
          t -> {
            Native.fetchInto(pointer, t[0], destination.slice(), dtype.code(), shape);
            return null;
          });
    } finally {
      drop();
    }
  }

  /**
   * Text of the plan that executing tensors would run.
   *
   * @param tensors the tensors
   * @return the text
   */
  public String explain(Tensor... tensors) {
    return bytesOf(t -> p -> Native.explain(p, t), tensors);
  }

  /**
   * Cuts the execution of tensors into subtasks for other processes.
   *
   * @param pieces about how many
   * @param tensors the tensors
   * @return a JSON object; the C header describes it
   */
  public String cut(long pieces, Tensor... tensors) {
    return bytesOf(t -> p -> Native.planCut(p, t, pieces), tensors);
  }

  private interface TextOf {
    Text of(long[] tensors);
  }

  private String bytesOf(TextOf call, Tensor... tensors) {
    return Native.string(with(List.of(tensors), t -> bytes(call.of(t))));
  }

  /**
   * Sizes of the chunks of a tensor, as an execution would make or has made them; null for an axis of which they are not known.
   *
   * @param tensor the tensor
   * @return the sizes along each axis
   */
  public List<List<Long>> chunks(Tensor tensor) {
    String text = bytesOf(t -> p -> Native.tensorChunks(p, t[0]), tensor);
    List<List<Long>> out = new ArrayList<>();
    for (Object axis : (List<?>) Json.parse(text)) {
      if (axis == null) {
        out.add(null);
        continue;
      }
      List<Long> sizes = new ArrayList<>();
      for (Object size : (List<?>) axis) sizes.add((Long) size);
      out.add(sizes);
    }
    return out;
  }
}
