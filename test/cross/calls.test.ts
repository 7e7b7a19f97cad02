/**
 * What calls do beside their answers, for every format and semantics: what the driver hears, what is counted, and a checksum of the
 * tables. calls.txt has it; tables are read in test/hardware/entry-bits.txt, counts and invalidations are Linux's
 * (test/facts, test/drivers).
 */
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { Domain } from '../../src/core/index.ts';
import { type BareCallbacks, bareDriver } from '../../src/drivers/index.ts';
import { IommuError } from '../../src/errors.ts';
import { FORMATS, SEMANTICS, type Semantics } from '../../src/formats/index.ts';
import { type Scenario, scenariosFor } from '../support/scenarios.ts';
import { type Section, sectionsOf } from '../support/sections.ts';

const hex = (value: number | bigint): string => `0x${BigInt(value).toString(16)}`;

/** Notes every call of a driver's callbacks. */
function noting(lines: string[]): BareCallbacks {
  return {
    flushWalk: (iova, size, granule) => void lines.push(`walk ${hex(iova)}+${hex(size)} by ${hex(granule)}`),
    addPages: (iova, granule, count) => void lines.push(`${count} pages ${hex(iova)} of ${hex(granule)}`),
    split: (iova, size) => void lines.push(`split ${hex(iova)} of ${hex(size)}`),
    flushAll: () => void lines.push('all'),
    clean: (physical, bytes) => void lines.push(`clean ${hex(physical)}+${bytes}`),
    changeTop: (root, level) => void lines.push(`top ${hex(root)} level ${level}`),
    syncGather: ({ start, end, tables, leafLevels, tableLevels, queued }) => {
      lines.push(
        `gather ${hex(start)}..${hex(end)} tables ${tables.length} levels ${leafLevels} ${tableLevels} ${queued}`,
      );
    },
    sync: () => void lines.push('sync'),
  };
}

function checksum({ memory }: Domain): string {
  const live: number[] = [];
  for (let offset = 0; offset < memory.byteLength; offset += 1024) {
    if (memory.stateAt(memory.base + offset) === 'live')
      live.push(...memory.u32.subarray(offset / 4, offset / 4 + 256));
  }
  return hex(crc32(new Uint8Array(Uint32Array.from(live).buffer)));
}

function answerOf(call: () => unknown): string {
  try {
    return JSON.stringify(call(), (_, value: unknown) => (typeof value === 'bigint' ? hex(value) : value)) ?? 'nothing';
  } catch (error) {
    if (error instanceof IommuError) return `${error.code} ${error.argument}`;
    throw error;
  }
}

function lineOf(format: string, semantics: Semantics, coherent: boolean, { name, prepare, call }: Scenario): string {
  const heard: string[] = [];
  const domain = new Domain({ format, semantics, coherent, driver: bareDriver(noting(heard)) });
  prepare(domain);
  heard.length = 0;
  const before = domain.meter.snapshot();
  const answer = answerOf(() => call(domain));
  const counts = Object.entries(domain.meter.since(before)).filter(([, count]) => count !== 0);
  const told =
    heard.length > 12
      ? [...heard.slice(0, 10), `… ${heard.length - 10} more, CRC ${hex(crc32(heard.join()))}`]
      : [...heard];
  const after = checksum(domain);
  heard.length = 0;
  domain.free();
  const parts = [
    answer,
    told.join(', '),
    counts.map(([key, count]) => `${key} ${String(count)}`).join(' '),
    after,
    heard.join(', '),
  ];
  return `${name}: ${parts.join(' | ')}`;
}

/** The formats and semantics that go together, coherent and not. */
function sections(): Section[] {
  const found: Section[] = [];
  for (const { id } of FORMATS) {
    for (const semantics of SEMANTICS) {
      for (const coherent of semantics === 'safe' ? [true, false] : [true]) {
        const domain = granted(id, semantics, coherent);
        if (domain === undefined) continue;
        const lines = scenariosFor(domain.geometry).map((scenario) => lineOf(id, semantics, coherent, scenario));
        domain.free();
        found.push({ name: `${id}, ${semantics}${coherent ? '' : ', not coherent'}`, lines });
      }
    }
  }
  return found;
}

function granted(format: string, semantics: Semantics, coherent: boolean): Domain | undefined {
  try {
    return new Domain({ format, semantics, coherent });
  } catch (error) {
    if (error instanceof IommuError) return undefined;
    throw error;
  }
}

test('what calls do beside their answers', () => {
  const found = sections();
  expect(found.length).toBeGreaterThan(20);
  expect(found).toEqual(sectionsOf(new URL('calls.txt', import.meta.url), found));
}, 120_000);
