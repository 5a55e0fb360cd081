package io.mars;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Random numbers that depend on a seed, on the number of the call and on the place of the element only: not on chunks, threads or the
 * client's language. The n-th call of an object uses stream n - 1 of its seed, as Python's generators do.
 *
 * <p>Numbers are those of NumPy's distributions, not of its generators. An object may be used by several threads at once.
 */
public final class Random extends Distributions {
  private final long seed;
  private final AtomicLong streams = new AtomicLong();

  /**
   * Numbers of a seed, from its first stream on.
   *
   * @param seed the seed's 64 bits
   */
  public Random(long seed) {
    this.seed = seed;
  }

  @Override
  Tensor draw(String distribution, Attributes options, Operand... parameters) {
    Attributes all = new Attributes(options).set("seed", DType.UINT64, seed).set("stream", streams.getAndIncrement());
    return Operator.of(distribution).apply(all, parameters);
  }
}
