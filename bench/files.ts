// The rows about files: a text trace replayed, tables decoded, memory.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { growBeforehand, layOut, spreadOf } from '../src/bench/index.ts';
import { Domain } from '../src/core/index.ts';
import { armSmmu } from '../src/drivers/index.ts';
import { decodeTables } from '../src/dump/decode.ts';
import { PROT } from '../src/formats/index.ts';
import { givenTables } from '../src/hardware/index.ts';
import { TableMemory } from '../src/memory/index.ts';
import type { RowsPort } from '../src/replay/apart/messages.ts';
import { Replay } from '../src/replay/replay.ts';
import { createNames, type TraceNames } from '../src/trace/events.ts';
import { createTraceReader, isStreamFormat, recogniseTrace } from '../src/trace/readers.ts';
import { captureOf, roundsOf } from './repeated.ts';
import { type Row, rowOf } from './row.ts';
import { LONG, once, run } from './sampler.ts';

const EVENTS = 1_000_000;
const CHUNK = 1 << 20;
const PAGE = 4096;

/** A replay into one row of `map-pages`, on this thread or on another. */
export function newReplay(names: TraceNames, apart?: RowsPort): Replay {
  const device = { driver: 'arm-smmu', kernel: undefined, kernelAssumed: false, features: {}, assumed: false };
  const row = {
    device,
    path: 'map-pages',
    dispatch: 'indirect',
    format: 'arm-64-lpae-s1',
    granule: PAGE,
    tracedPage: PAGE,
  } as const;
  return new Replay({
    names,
    rows: [{ ...row, iova: 'keep', physical: 'keep', tlb: 'strict' }],
    driver: () => armSmmu(),
    clock: () => 0,
    ...(apart === undefined ? {} : { apart }),
  });
}

function oneReplay(bytes: Uint8Array): { replay: Replay; events: number } {
  const names = createNames();
  const replay = newReplay(names);
  const format = recogniseTrace(bytes.subarray(0, 65536), 'capture');
  if (!isStreamFormat(format)) throw new Error(`${format} is no event trace`);
  const reader = createTraceReader(format, (event) => replay.event(event), names);
  for (let at = 0; at < bytes.length; at += CHUNK) reader.push(bytes.subarray(at, at + CHUNK));
  reader.end();
  replay.finish();
  return { replay, events: reader.stats.events };
}

/** The events of a capture, again and again until there are a million. */
export function repeated(capture: Uint8Array): { bytes: Uint8Array; times: number } {
  const times = Math.ceil(EVENTS / oneReplay(capture).events);
  const rounds = roundsOf(capture);
  const texts = Array.from({ length: times }, () => rounds.next().value);
  return { bytes: Buffer.from(`# tracer: nop\n${texts.join('')}`, 'latin1'), times };
}

/** Parses and replays a text trace of a million events. */
export function traceRow(root: URL): Row {
  const capture = captureOf(root);
  const { bytes, times } = repeated(capture);
  const single = oneReplay(capture).replay.pairing;
  let done: ReturnType<typeof oneReplay> | undefined;
  const replay = (): void => {
    done = oneReplay(bytes);
  };
  const check = (): void => {
    if (done?.replay.pairing.unmaps !== times * single.unmaps) throw new Error('a repeated trace gave other calls');
  };
  const about = {
    work: `text trace of a million events (arm64-smmuv3-612-blk-strict, ${times} times): parse and replay, \`map-pages\``,
    inside: 'bytes in memory to events, pairing, regrouping, every call through a domain, counts',
    goal: { text: '≥ 4,000,000 events a second', limit: 4_000_000, atLeast: true },
  };
  replay();
  return rowOf(about, 'events a second', run(once(replay, undefined, check), undefined, LONG), done?.events);
}

/** The same trace from a file, which other threads read and replay; in a process of its own. */
export function twoThreadRow(): Row {
  const script = fileURLToPath(new URL('two-threads.js', import.meta.url));
  const rates = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as readonly number[];
  const spread = spreadOf(rates);
  return {
    work: 'the same text trace from a file, read and replayed by threads of their own',
    inside: 'the file in the page cache to events, pairing, regrouping, every call through a domain, counts',
    measure: 'events a second',
    value: spread.median,
    spread,
    samples: rates.length,
    hotNs: 1e9 / spread.median,
    goal: { text: '≥ 4,000,000 events a second', limit: 4_000_000, atLeast: true },
  };
}

/** Decodes tables of 262,144 scattered leaves with the hardware side's walker. */
export function decodeRow(): Row {
  const memory = new TableMemory();
  const bytes = 2 ** 30;
  growBeforehand(memory, 2 ** 24);
  const { list, iova } = layOut(memory, 'scattered', bytes, PAGE, 48, 1);
  const domain = new Domain({ granule: PAGE, path: 'one-walk', memory });
  domain.mapSg(iova, list, PROT.READ | PROT.WRITE);
  const roots = [Number(domain.registers['ttbr'] ?? 0n)];
  const tables = givenTables({ format: 'arm-64-lpae-s1', granule: PAGE, ias: 48, oas: 48, roots });
  const decode = (): void => {
    const { leafCount, mappedBytes } = decodeTables(memory, tables, [], 'given');
    if (leafCount !== bytes / PAGE || Number(mappedBytes) !== bytes) throw new Error(`${leafCount} leaves decoded`);
  };
  const about = {
    work: 'decode of 262,144 leaves (1G scattered)',
    inside: 'every table read, every entry decoded, ranges merged',
    goal: { text: '≤ 8 ms', limit: 8 },
  };
  return rowOf(about, 'ms', run(once(decode), memory, { samples: 20, coldSamples: 5, warmMs: 500 }));
}

/** Peak resident bytes beyond the tables, in a process of its own. */
export function residentRow(): Row {
  const script = fileURLToPath(new URL('resident.js', import.meta.url));
  const answer = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as Record<string, number>;
  return {
    work: `memory: peak resident bytes beyond the tables (${answer['tableBytes']}) while 1G of scattered pages is mapped, \`one-walk\``,
    inside: 'the peak resident set less the resident set before the call, less the tables; the list exists before',
    measure: 'bytes',
    value: answer['beyond'] ?? Number.NaN,
    samples: 1,
  };
}
