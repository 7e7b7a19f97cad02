// Blocks of the project's code that were reached, from V8's precise coverage.
import { Session } from 'node:inspector';

const PROJECT = new URL('../../dist/', import.meta.url).href;

/** Pieces of a function that run equally often: V8's ranges are nested, and the innermost one counts. */
function* pieces(ranges) {
  const open = [];
  let at = 0;
  const upTo = function* (end) {
    const top = open.at(-1);
    if (top !== undefined && end > at) yield { start: at, end, count: top.count };
    at = end;
  };
  for (const range of ranges) {
    while (open.length > 0 && open.at(-1).endOffset <= range.startOffset) {
      yield* upTo(open.at(-1).endOffset);
      open.pop();
    }
    yield* upTo(range.startOffset);
    at = range.startOffset;
    open.push(range);
  }
  while (open.length > 0) {
    yield* upTo(open.at(-1).endOffset);
    open.pop();
  }
}

/** What was reached so far. Asking costs some milliseconds, so that several inputs share one question. */
export class Coverage {
  /** Blocks reached. */
  blocks = 0;
  #session = new Session();
  #reached = new Map();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks reached since the last question and never before; they count from now on where `keep` is set. */
  fresh(keep) {
    let found = 0;
    for (const { url, functions } of this.#post('Profiler.takePreciseCoverage').result) {
      if (!url.startsWith(PROJECT)) continue;
      for (const { ranges } of functions) for (const piece of pieces(ranges)) found += this.#take(url, piece, keep);
    }
    return found;
  }

  #take(url, { start, end, count }, keep) {
    if (count === 0) return 0;
    let reached = this.#reached.get(url);
    if (reached === undefined || reached.length < end) reached = this.#grown(url, reached, end);
    if (reached[start] !== 0 && reached.indexOf(0, start) >= end) return 0;
    if (keep) {
      reached.fill(1, start, end);
      this.blocks++;
    }
    return 1;
  }

  #grown(url, reached, end) {
    const larger = new Uint8Array(2 * end);
    if (reached !== undefined) larger.set(reached);
    this.#reached.set(url, larger);
    return larger;
  }

  #post(method, params) {
    let answer;
    this.#session.post(method, params, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}
