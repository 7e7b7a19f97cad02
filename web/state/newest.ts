/**
 * Requests of which only the newest matters: one runs at a time, and those that were overtaken are never begun.
 * @module
 */

/** Runs requests one after the other, and shows a result where no newer request waits. */
export function newestOnly<T, R>(run: (request: T) => Promise<R>, show: (result: R) => void): (request: T) => void {
  let next: { readonly request: T } | undefined;
  let isRunning = false;
  const go = async (): Promise<void> => {
    isRunning = true;
    while (next !== undefined) {
      const { request } = next;
      next = undefined;
      const result = await run(request);
      if (next === undefined) show(result);
    }
    isRunning = false;
  };
  return (request) => {
    next = { request };
    if (!isRunning) void go();
  };
}
