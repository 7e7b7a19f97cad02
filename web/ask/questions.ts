/**
 * The questions that the worker answers, each by the function of `src/answers` that the command line calls too.
 * @module
 */
import { checkAnswer } from '../../src/answers/check.ts';
import { decodeAnswer } from '../../src/answers/decode.ts';
import { diffAnswer } from '../../src/answers/diff.ts';
import { checkDecoding } from '../../src/dump/check/check.ts';
import { decodeDump, decodeGiven } from '../../src/dump/decode.ts';
import { diffDecodings } from '../../src/dump/diff.ts';
import type { Dump } from '../../src/dump/types.ts';
import { InputError } from '../../src/errors.ts';
import { givenTables } from '../../src/hardware/given.ts';
import { type Hardware, hardwareOf } from '../../src/machine/hardware.ts';
import { MachineNames } from '../../src/machine/names.ts';
import type { Answer } from '../../src/report/answer.ts';
import { headOf, type SayProgress } from './chunks.ts';
import { openEvidence, textOf } from './dumps.ts';
import { faultOf } from './fault.ts';
import { benchHere, explainedOf, publishedOf } from './latency.ts';
import type { Evidence, FollowUp, Question, TraceQuestion, TraceSide } from './protocol.ts';
import { followTrace, openTrace } from './trace-session.ts';
import { type ComparedTrace, comparisonOf, isFunctionGraph } from './traces.ts';

async function namesOf({ pci, groups, iomem }: Evidence): Promise<MachineNames> {
  return new MachineNames({ pci: await textOf(pci), groups: await textOf(groups), iomem: await textOf(iomem) });
}

function decodingOf(dump: Dump): ReturnType<typeof decodeDump> {
  const { geometry, registers } = dump;
  return registers === undefined && geometry !== undefined
    ? decodeGiven(dump, givenTables(geometry), 'from dump')
    : decodeDump(dump);
}

/** Bytes of a log in which the lines of boot are looked for. */
const BOOT_BYTES = 2 ** 24;

async function startOf(log: Blob | undefined): Promise<string | undefined> {
  return log === undefined ? undefined : new TextDecoder().decode(await headOf(log, BOOT_BYTES));
}

async function hardwareIn({ metadata, anyRegisters, bootLog, version }: Evidence): Promise<Hardware> {
  return hardwareOf({
    metadata: await textOf(metadata),
    registers: await textOf(anyRegisters),
    log: await startOf(bootLog),
    version: await textOf(version),
  });
}

async function aboutDump(ask: 'decode' | 'check', evidence: Evidence): Promise<Answer> {
  const dump = await openEvidence(evidence);
  const names = await namesOf(evidence);
  const decoding = decodingOf(dump);
  if (ask === 'decode') return decodeAnswer({ dump, decoding, names, limit: 20_000 });
  const { ram = [], mmioBase } = dump.registers ?? {};
  const report = checkDecoding(dump.reader, decoding, { ram, mmioBase });
  return checkAnswer({ dump, decoding, report, names, limit: 20_000 });
}

async function diff(a: Evidence, b: Evidence): Promise<Answer> {
  const dumps = [await openEvidence(a), await openEvidence(b)] as const;
  const decodings = [decodingOf(dumps[0]), decodingOf(dumps[1])] as const;
  return diffAnswer({ dumps, decodings, changes: diffDecodings(...decodings), limit: 20_000 });
}

async function fault(evidence: Evidence, progress: SayProgress): Promise<Answer> {
  const { log, dump, traces = [], metadata } = evidence;
  if (log === undefined) throw new InputError('MISSING_VALUE', 'log', 'expected a log, got none');
  const tables = dump === undefined ? undefined : await openEvidence(evidence);
  return await faultOf(log, tables, { traces, metadata: (await textOf(metadata)) ?? null }, progress);
}

async function replay(evidence: Evidence, wanted: TraceQuestion, progress: SayProgress): Promise<Answer> {
  const { traces = [] } = evidence;
  const [first] = traces;
  if (first !== undefined && (await isFunctionGraph(first))) return await explainedOf(traces, evidence, progress);
  const machine = { names: await namesOf(evidence), hardware: await hardwareIn(evidence) };
  return await openTrace(traces, machine, wanted, progress);
}

async function compare(sides: readonly [TraceSide, TraceSide], progress: SayProgress): Promise<Answer> {
  const [a, b] = sides;
  const sideOf = async ({ trace, beside }: TraceSide): Promise<ComparedTrace> => ({
    trace,
    beside,
    hardware: await hardwareIn(beside),
  });
  return await comparisonOf([await sideOf(a), await sideOf(b)], progress);
}

/** The answer to a question about what was read before. @throws InputError, IommuError as the command line has them. */
export function followUp(question: FollowUp): Answer {
  return followTrace(question);
}

/** The answer to a question. @throws InputError, IommuError as the command line has them. */
export async function answerTo(question: Question, progress: SayProgress): Promise<Answer> {
  progress('reading');
  switch (question.ask) {
    case 'fault':
      return await fault(question.evidence, progress);
    case 'replay':
      return await replay(question.evidence, question.wanted, progress);
    case 'compare':
      return await compare(question.sides, progress);
    case 'diff':
      return await diff(question.a, question.b);
    case 'published':
      return await publishedOf(question.table);
    case 'bench':
      return benchHere(question, progress);
    case 'explain':
      return await explainedOf([question.file], question.beside, progress);
    default:
      return await aboutDump(question.ask, question.evidence);
  }
}
