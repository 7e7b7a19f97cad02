import { describe, expect, test } from 'vitest';
import { parseAddress, parseSize } from '../../src/address.ts';
import { parseCases, parseVectors } from '../../src/conform/index.ts';
import { readLatencyTable, readProfile } from '../../src/cost/index.ts';
import { memorySource, openDump, parseRegisters } from '../../src/dump/index.ts';
import { InputError, IommuError } from '../../src/errors.ts';
import { explainTimings, looksLikeTimings } from '../../src/explain/index.ts';
import { readFaultLog } from '../../src/fault/index.ts';
import { formatById, parseProt } from '../../src/formats/index.ts';
import { readMapList } from '../../src/gen/index.ts';
import { parseGroups, parseIomem, parsePciList } from '../../src/machine/index.ts';
import { createNames, createTraceReader, recogniseTrace } from '../../src/trace/index.ts';
import { BAD, problemsOf, type Tried } from './bad-values.ts';

const names = createNames();
const table = 'op,pages,us\nmap,1,1\nmap,16,3\n';

const CALLS: readonly Tried[] = [
  { name: 'parseSize', args: ['4K'], call: (t: string) => parseSize(t) },
  { name: 'parseAddress', args: ['0x1000'], call: (t: string) => parseAddress(t) },
  { name: 'parseProt', args: ['rw'], call: (t: string) => parseProt(t) },
  { name: 'formatById', args: ['arm-v7s'], call: (t: string) => formatById(t) },
  { name: 'parseCases', args: ['source', '{}'], call: (a: string, b: string) => [...parseCases(a, b)] },
  { name: 'parseVectors', args: ['source', '{}'], call: (a: string, b: string) => [...parseVectors(a, b)] },
  { name: 'readLatencyTable', args: [table, 'table'], call: (a: string, b: string) => readLatencyTable(a, b) },
  { name: 'readProfile', args: ['{}', 'profile'], call: (a: string, b: string) => readProfile(a, b) },
  { name: 'explainTimings', args: ['text', 'source'], call: (a: string, b: string) => explainTimings(a, b) },
  { name: 'looksLikeTimings', args: ['text'], call: (a: string) => looksLikeTimings(a) },
  { name: 'parseRegisters', args: ['{"iommu":"intel-vtd","named":{}}'], call: (t: string) => parseRegisters(t) },
  { name: 'memorySource', args: [new Uint8Array(4)], call: (b: Uint8Array) => memorySource(b) },
  { name: 'readFaultLog', args: ['text'], call: (t: string) => readFaultLog(t) },
  {
    name: 'readMapList',
    args: ['iova,pa,size,prot\n0,0,4K,rw\n', 'list'],
    call: (a: string, b: string) => readMapList(a, b),
  },
  { name: 'parseGroups', args: ['0 0000:00:00.0'], call: (t: string) => parseGroups(t) },
  { name: 'parseIomem', args: ['00000000-00000fff : Reserved'], call: (t: string) => parseIomem(t) },
  { name: 'parsePciList', args: ['00:00.0'], call: (t: string) => parsePciList(t) },
  { name: 'recogniseTrace', args: [new Uint8Array(4)], call: (b: Uint8Array) => recogniseTrace(b) },
  {
    name: 'createTraceReader',
    args: ['ftrace text', () => undefined, names],
    call: (...a: never[]) => createTraceReader(...(a as unknown as Parameters<typeof createTraceReader>)),
  },
];

describe('texts and bytes that are something else', () => {
  test.each(CALLS.map((tried) => [tried.name, tried] as const))('%s', (_, tried) => {
    expect(problemsOf(tried)).toEqual([]);
  });

  test.each(Object.entries(BAD))('openDump refuses %s by name', async (_, value) => {
    const opened = openDump(value as never).then(
      () => undefined,
      (error: unknown) => error,
    );
    const error = await opened;
    expect(error instanceof IommuError || error instanceof InputError, String(error)).toBe(true);
  });
});
