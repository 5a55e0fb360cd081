/**
 * Mars: an engine for large tensors.
 *
 * <p>Calls on {@link io.mars.Tensor} build a graph; nothing is computed until {@link io.mars.Tensor#execute() execute} or {@link
 * io.mars.Tensor#fetch() fetch}. All rules of shapes, element types and aliasing are those of the native library, which every language
 * shares; this package only carries calls and memory across.
 *
 * <p>Objects that hold native memory can be closed; what is not closed is released when it has become unreachable. Any object may be used
 * from any thread, and closed while others use it: the memory goes when the last of them is done.
 */
package io.mars;
