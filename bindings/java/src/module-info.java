/** The Java binding of Mars, an engine for large tensors. */
module io.mars {
  exports io.mars;
}
