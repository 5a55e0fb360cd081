import io.mars.NDArray;
import io.mars.Random;
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

  private static final long SEED = 42;

  /** Share of random points of the square that lie in the circle. */
  private static void pi(long points) throws IOException {
    long start = System.nanoTime();
    Tensor inCircle = new Random(SEED).uniform(-1, 1, points, 2).power(2).sum(1).sqrt().less(1).sum();
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
    Tensor sums = new Random(SEED).uniform(0, 1, 1000, 2000).add(1).sum(1);
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
