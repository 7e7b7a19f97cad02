/**
 * `iommu check --invalidations`: the command queue in a dump, or a recorded stream of commands.
 * @module
 */
import { queueAnswer, streamAnswer } from '../answers/invalidations.ts';
import { judgeQueue } from '../device/checker/queue-judge.ts';
import { isCommandStream, StreamJudge, type StreamReport } from '../device/checker/stream.ts';
import { InputError } from '../errors.ts';
import type { DecodeFlags } from './decode.ts';
import { openDumpFile } from './dump-file.ts';
import { dumpInFolder } from './evidence-folder.ts';
import { type FormFlags, outputOf } from './forms.ts';
import { readChunks } from './io.ts';
import { printAnswer } from './print.ts';

/** Characters of a line of a stream at most. */
const MOST_LINE = 1 << 20;

/** Options that matter here. */
type Flags = DecodeFlags & FormFlags & { readonly strict?: boolean };

/** Answers for a file that is a stream of commands, else a dump with registers. */
export async function checkInvalidations(path: string, flags: Flags, limit: number): Promise<void> {
  const options = { strict: flags.strict === true, limit };
  const stream = await readStream(dumpInFolder(path, flags).path);
  if (stream !== undefined) return await printAnswer(streamAnswer(stream, options), outputOf(flags));
  const { reader, registers } = await openDumpFile(path, flags);
  if (registers === undefined) {
    throw new InputError(
      'MISSING_VALUE',
      path,
      'expected registers (--regs), which say where the queue lies, got none',
    );
  }
  const report = judgeQueue(reader, registers.iommu, registers.named);
  return await printAnswer(queueAnswer(report, registers.iommu, options), outputOf(flags));
}

/** Judges a stream of commands line by line; undefined for a file that does not begin as one. */
async function readStream(path: string): Promise<StreamReport | undefined> {
  if (path === '-') return undefined;
  const judge = new StreamJudge(path);
  const decoder = new TextDecoder();
  let begun = false;
  let rest = '';
  for await (const chunk of readChunks(path)) {
    rest += decoder.decode(chunk, { stream: true });
    if (!begun && !isCommandStream(rest)) return undefined;
    begun = true;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) judge.line(line);
    if (rest.length > MOST_LINE)
      throw new InputError('TOO_LARGE', path, `expected lines up to ${MOST_LINE} characters, got a longer one`);
  }
  if (!begun) return undefined;
  judge.line(rest);
  return judge.finish();
}
