package io.mars;

/**
 * How far a run is.
 *
 * @param isDone whether it has ended
 * @param tasksDone tasks that are done
 * @param tasksTotal tasks in all, as far as they are known yet
 */
public record Progress(boolean isDone, long tasksDone, long tasksTotal) {}
