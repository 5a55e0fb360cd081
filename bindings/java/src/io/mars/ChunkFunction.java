package io.mars;

/** A function that is applied to the chunks of a tensor one by one. */
@FunctionalInterface
public interface ChunkFunction {
  /**
   * Computes one chunk. The buffers belong to the library and are valid during the call only.
   *
   * @param input the chunk
   * @param output where the result goes: same shape, element type as given to {@link Tensor#mapChunk}
   * @throws Exception ends the execution
   */
  void apply(Chunk input, Chunk output) throws Exception;
}
