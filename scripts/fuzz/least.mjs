// The fewest and shortest inputs that reach what a pool of them reaches, beyond the samples that ship with the tests.
import { CORPUS } from './corpus.mjs';
import { writeKept } from './kept.mjs';

/** Runs that may be spent on one input. */
const MOST_TRIALS = 60;
const SHORTEST_PIECE = 16;

/** Cuts pieces out of an input as long as it still reaches as many new blocks. */
async function shortened(input, blocksOf) {
  const wanted = await blocksOf(input);
  let best = input;
  let trials = 0;
  for (let piece = best.bytes.length >> 1; piece >= SHORTEST_PIECE; piece >>= 1) {
    for (let at = 0; at < best.bytes.length && trials < MOST_TRIALS; ) {
      const { bytes } = best;
      const cut = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + piece)]);
      trials++;
      if ((await blocksOf({ ...best, bytes: cut })) >= wanted) best = { ...best, bytes: cut };
      else at += piece;
    }
  }
  return best;
}

/** Writes what is worth keeping of a reader's inputs. */
export async function leastInputs(coverage, reader, inputs, run) {
  for (const input of CORPUS[reader]) await run({ index: -1, reader, input });
  coverage.fresh(true);
  const blocksOf = async (input) => {
    await run({ index: -1, reader, input });
    return coverage.fresh(false);
  };
  const least = [];
  for (const input of [...inputs].sort((a, b) => a.bytes.length - b.bytes.length)) {
    if ((await blocksOf(input)) === 0) continue;
    const short = await shortened(input, blocksOf);
    await run({ index: -1, reader, input: short });
    if (coverage.fresh(true) > 0) least.push(short);
  }
  if (least.length > 0 || inputs.length > 0) writeKept(reader, least);
}
