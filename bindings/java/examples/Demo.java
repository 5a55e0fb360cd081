import io.mars.Attributes;
import io.mars.DType;
import io.mars.NDArray;
import io.mars.Operand;
import io.mars.Operator;
import io.mars.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Two computations that print the same lines in C, Java and Python, to the bit: lines that start with "took" apart.
 *
 * <p>java Demo [POINTS]
 */
final class Demo {
  private Demo() {}

  private static final Attributes AXIS_1 = new Attributes().set("axis", 1);

  private static final long SEED = 42;

  /** Uniform numbers in [low, high); the same on every machine for one seed. */
  private static Tensor uniform(double low, double high, long... size) {
    Attributes attributes = new Attributes().set("seed", DType.UINT64, SEED).set("size", size);
    return Operator.of("uniform").apply(attributes, Operand.of(low), Operand.of(high));
  }

  /** Share of random points of the square that lie in the circle. */
  private static void pi(long points) throws IOException {
    long start = System.nanoTime();
    Tensor inCircle =
        uniform(-1, 1, points, 2)
            .apply("power", Operand.of(2))
            .apply("sum", AXIS_1)
            .apply("sqrt")
            .apply("less", Operand.of(1))
            .apply("sum");
    try (NDArray result = inCircle.fetch()) {
      long inside = result.toLong();
      System.out.printf("Monte-Carlo pi, %d points%n", points);
      System.out.printf(Locale.ROOT, "  %d inside, pi = %.9f%n", inside, 4.0 * inside / points);
    }
    took(start);
  }

  /** (a + 1).sum(axis=1) of a random matrix. */
  private static void rowSums() throws IOException {
    long start = System.nanoTime();
    Tensor sums = uniform(0, 1, 1000, 2000).apply("add", Operand.of(1)).apply("sum", AXIS_1);
    try (NDArray result = sums.fetch()) {
      double[] values = result.toDoubleArray();
      System.out.printf("(a + 1).sum(axis=1) of 1000 x 2000 random numbers%n");
      System.out.printf(Locale.ROOT, "  first %.9f, last %.9f, fnv1a %016x%n", values[0], values[999], fnv1a(result.buffer()));
    }
    took(start);
  }

  /** FNV-1a, 64 bits, of the bytes that remain. */
  private static long fnv1a(ByteBuffer bytes) {
    long hash = 0xcbf29ce484222325L;
    while (bytes.hasRemaining()) hash = (hash ^ (bytes.get() & 0xff)) * 1099511628211L;
    return hash;
  }

  private static void took(long start) throws IOException {
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(Locale.ROOT, "  took %.3f s, peak memory %.1f MB%n", seconds, peakMemory());
  }

  /** Largest resident memory of the process so far, in MB; 0 where the system does not tell. */
  private static double peakMemory() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) return 0;
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmHWM:")) return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1000;
    }
    return 0;
  }

  public static void main(String[] args) throws IOException {
    pi(args.length > 0 ? Long.parseLong(args[0]) : 1_000_000_000);
    rowSums();
  }
}
