/**
 * Steps back from a failure.
 * @module
 */

/** Does work on the way back from a failure, which is the one that is reported; what this one throws is not. */
export function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // the failure that led here says more
  }
}
