package io.mars;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.StackWalker.StackFrame;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The functions of libmarsjni.so, one per function of the C interface.
 *
 * <p>Handles travel as longs, texts as UTF-8 bytes. Every function throws what {@link #exception} makes of a failure.
 */
final class Native {
  static final int COPY = 0;
  static final int ALIAS = 1;

  private Native() {}

  // ---- loading ----

  /** Folder that holds libmarsjni.so and the engine; absent: they are unpacked from the jar. */
  private static final String PATH_PROPERTY = "mars.library.path";

  private static final String LIBRARY = "libmarsjni.so";

  static {
    load();
  }

  private static void load() {
    String folder = System.getProperty(PATH_PROPERTY);
    if (folder != null) {
      System.load(Path.of(folder).toAbsolutePath().resolve(LIBRARY).toString());
      return;
    }
    String platform = System.getProperty("os.name").toLowerCase(java.util.Locale.ROOT) + "-" + System.getProperty("os.arch");
    try {
      Path unpacked = Files.createTempDirectory("mars-java-");
      try {
        for (String file : resource(platform, "files").lines().toList()) {
          try (InputStream in = open(platform, file)) {
            Files.copy(in, unpacked.resolve(file));
          }
        }
        System.load(unpacked.resolve(LIBRARY).toString());
      } finally {
        // What is loaded stays mapped without its name.
        try (var files = Files.list(unpacked)) {
          for (Path p : files.toList()) Files.delete(p);
        }
        Files.delete(unpacked);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unpack the native libraries of Mars", e);
    }
  }

  private static InputStream open(String platform, String file) throws IOException {
    InputStream in = Native.class.getResourceAsStream("native/" + platform + "/" + file);
    if (in != null) return in;
    throw new IOException("the jar holds no " + file + " for " + platform + "; set the system property " + PATH_PROPERTY);
  }

  private static String resource(String platform, String file) throws IOException {
    try (InputStream in = open(platform, file)) {
      return string(in.readAllBytes());
    }
  }

  // ---- texts ----

  /** UTF-8 with a final NUL. */
  static byte[] text(String s) {
    if (s.indexOf('\0') >= 0) throw new IllegalArgumentException("a text for Mars may not hold the character NUL");
    byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
    return java.util.Arrays.copyOf(utf8, utf8.length + 1);
  }

  static byte[][] texts(List<String> strings) {
    return strings.stream().map(Native::text).toArray(byte[][]::new);
  }

  static String string(byte[] utf8) {
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private static final StackWalker WALKER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

  /** The place outside this package from which the call comes. */
  static byte[] origin() {
    return WALKER.walk(
        frames ->
            text(
                frames
                    .dropWhile(f -> f.getDeclaringClass().getPackage() == Native.class.getPackage())
                    .findFirst()
                    .map(StackFrame::toStackTraceElement)
                    .map(StackTraceElement::toString)
                    .orElse("")));
  }

  // ---- called by the library ----

  /** The exception for a failure that the library reported. */
  static RuntimeException exception(int status, byte[] utf8, byte[] utf8Operator, byte[] utf8Origin, int systemError, byte[] utf8Path) {
    MarsError.Code code = MarsError.Code.of(status);
    String origin = string(utf8Origin);
    MarsError.Report report = new MarsError.Report(code, string(utf8Operator), origin, systemError, string(utf8Path));
    String message = origin.isEmpty() ? string(utf8) : string(utf8) + " (created at " + origin + ")";
    return switch (code) {
      case VALUE, TYPE, OVERFLOW, FORMAT, HANDLE -> new MarsArgumentException(message, report);
      case INDEX, AXIS -> new MarsIndexException(message, report);
      case UNSUPPORTED, UNKNOWN_EXTENTS -> new MarsUnsupportedException(message, report);
      case CANCELLED -> new MarsCancelledException(message, report);
      case LINALG, MEMORY, OS, CALLBACK, TIMEOUT, INTERNAL -> new MarsException(message, report);
    };
  }

  /** Calls a client's function; null, or what it threw as a text. */
  static byte[] callChunk(
      ChunkFunction function, ByteBuffer input, ByteBuffer output, int inputType, int outputType, long[] shape, long[] lower) {
    try {
      function.apply(
          new Chunk(inputType, shape, lower, input.asReadOnlyBuffer()), new Chunk(outputType, shape, lower, output));
      return null;
    } catch (Throwable t) {
      StackTraceElement[] trace = t.getStackTrace();
      return text((t + (trace.length > 0 ? " at " + trace[0] : "")).replace('\0', ' '));
    }
  }

  // ---- sessions ----

  static native byte[] version();

  static native long sessionOpen(byte[][] keys, byte[][] values);

  static native long sessionDefault();

  static native byte[] sessionOptions(long session);

  static native void sessionSetOption(long session, byte[] key, byte[] value);

  static native void sessionClaim(long session, boolean claims);

  static native byte[] sessionStatistics(long session);

  static native byte[] sessionTrace(long session);

  static native void sessionRelease(long session);

  // ---- element types, operators ----

  static native int promote(int a, int b);

  static native boolean canCast(int from, int to, byte[] casting);

  static native byte[] describeAll();

  static native byte[] describe(byte[] name);

  static native int opFind(byte[] name);

  // ---- graphs ----

  static native long graphNew();

  static native void graphRelease(long graph);

  static native long graphInput(long graph, byte[] name, int dtype, long[] shape);

  static native void graphOutput(long graph, byte[] name, long tensor);

  static native long graphInputCount(long graph);

  static native long graphOutputCount(long graph);

  /** The tensor; its name goes to {@code name[0]}. */
  static native long graphGetInput(byte[][] name, long graph, long i);

  static native long graphGetOutput(byte[][] name, long graph, long i);

  static native byte[] graphSerialize(long graph);

  static native long graphParse(byte[] bytes, int flags);

  /** See {@link Attributes#pack} for {@code packed}. */
  static native void graphApply(long[] out, int op, byte[] packed, int inputs, int attributes, byte[] origin);

  // ---- tensors ----

  static native void tensorRelease(long tensor);

  static native long tensorFromArray(Object data, int dtype, long[] shape);

  static native long tensorFromBuffer(ByteBuffer data, boolean readOnly, int dtype, long[] shape, int mode);

  /** Element type, whether it is executed, extents. */
  static native long[] tensorDescribe(long tensor);

  static native byte[] tensorChunks(long session, long tensor);

  static native void tensorAssign(long target, int kind, long integerOrTensor, double real, double imaginary, byte[] origin);

  static native boolean tensorSharesStorage(long a, long b);

  static native boolean tensorSharesMemory(long a, long b, boolean exactly);

  static native long tensorSnapshot(long tensor);

  static native long tensorMapChunk(long tensor, int dtype, ChunkFunction function, byte[] origin);

  // ---- running ----

  static native long executeAsync(long session, long[] tensors, byte[][] names, long[] bound);

  /** 1 or 0: done; tasks done; tasks known. */
  static native long[] runProgress(long run);

  /** Whether it is done. */
  static native boolean runWait(long run, double seconds);

  static native void runResults(long[] out, long run);

  static native void runCancel(long run);

  static native void runRelease(long run);

  static native byte[] explain(long session, long[] tensors);

  static native byte[] planCut(long session, long[] tensors, long pieces);

  // ---- values ----

  /** A fetched array, to be given back with {@link #arrayRelease}. */
  static native long fetch(long session, long tensor);

  static native void fetchInto(long session, long tensor, ByteBuffer destination, int dtype, long[] shape);

  /** Element type, flags, extents, strides in bytes. */
  static native long[] arrayDescribe(long array);

  /** A view of the array's memory from byte {@code offset} of its first element. */
  static native ByteBuffer arrayBuffer(long array, long offset, long length);

  /** Copies the elements in C order into a Java array of as many bytes. */
  static native void arrayCopy(long array, Object destination);

  static native void arrayRelease(long array);
}
