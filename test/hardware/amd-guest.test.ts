import { describe, expect, it } from 'vitest';
import { AmdVi } from '../../src/hardware/index.ts';
import type { PagesReader } from './memory.ts';
import { finalQueries, memoryOf, VECTORS, type Vector } from './vector-tables.ts';

const DEVICE_TABLE = 0x2000;
const GCR3 = [0x4000, 0x5000, 0x6000];
const STREAM = 3;
const NAMED = new Map([
  ['DEV_TAB_BASE', BigInt(DEVICE_TABLE)],
  ['CONTROL', 1n],
]);

interface Entry {
  readonly glx?: number;
  readonly giov?: boolean;
  readonly mode?: bigint;
  readonly levels?: number;
}

/** A device table entry with a GCR3 table of `glx` + 1 levels (AMD 48882, 2.2.2.1). */
function entryOf({ glx = 0, giov = true, mode = 0n, levels = 4 }: Entry): readonly [bigint, bigint, bigint] {
  const root = BigInt(GCR3[0] ?? 0);
  const low = 3n | (mode << 9n) | (giov ? 1n << 54n : 0n) | (1n << 55n) | (BigInt(glx) << 56n) | (3n << 61n);
  const first = low | (((root >> 12n) & 7n) << 58n);
  const second = 9n | (((root >> 15n) & 0xffffn) << 16n) | (((root >> 31n) & 0x1fffffn) << 43n);
  return [first, second, BigInt(levels - 4) << 54n];
}

/** Puts a device table and a GCR3 table, in which `pasid` has the tables at `root`, beside recorded tables. */
function attach(memory: PagesReader, root: number, entry: Entry, pasid = 0): AmdVi {
  memory.clear(DEVICE_TABLE, 4096);
  for (const [i, word] of entryOf(entry).entries()) memory.write64(DEVICE_TABLE + STREAM * 32 + i * 8, word);
  const glx = entry.glx ?? 0;
  for (let level = glx; level >= 0; level--) {
    const table = GCR3[glx - level] ?? 0;
    memory.clear(table, 4096);
    const next = level === 0 ? root : (GCR3[glx - level + 1] ?? 0);
    memory.write64(table + (Math.floor(pasid / 2 ** (9 * level)) % 512) * 8, BigInt(next) | 1n);
  }
  return new AmdVi(memory, NAMED);
}

/** Recorded tables of the processor's format as AMD's driver makes them: no sign extension, no encryption. */
const RECORDED: readonly Vector[] = VECTORS.filter(
  ({ fmt, cfg }) => fmt === 'x86_64' && Number(cfg.sme_mask) === 0 && (Number(cfg.features) & 8) === 0,
);

function rootOf({ regs_end: end }: Vector): { root: number; levels: number } {
  return { root: Number(end?.['gcr3_pt']), levels: Number(end?.['levels']) };
}

describe('AMD guest translation', () => {
  it('recorded tables have their recorded answers behind a GCR3 table', () => {
    let checked = 0;
    for (const [i, vector] of RECORDED.entries()) {
      const { root, levels } = rootOf(vector);
      const iommu = attach(memoryOf(vector), root, { levels, glx: i % 3 });
      for (const [text, pa] of finalQueries(vector)) {
        const iova = BigInt(text);
        if (iova >> BigInt(11 + 9 * levels) !== 0n || iova >> BigInt(vector.init.max_vasz) !== 0n) continue;
        const { result } = iommu.translate(STREAM, iova);
        expect(result.ok ? result.output : 0n).toBe(BigInt(pa));
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(400);
  });

  const [vector] = RECORDED.filter(({ dump }) => (dump?.length ?? 0) > 0);
  const make = (entry: Entry, pasid?: number): AmdVi => {
    if (vector === undefined) throw new Error('no vector');
    const { root, levels } = rootOf(vector);
    return attach(memoryOf(vector), root, { levels, ...entry }, pasid);
  };

  it('a PASID has its own entry, at every depth of the GCR3 table', () => {
    const iommu = make({ glx: 2 }, 0xabcde);
    expect(iommu.context(STREAM, 0xabcde)).toMatchObject({ action: 'translate', fields: { GV: 1, GLX: 2 } });
    expect(iommu.context(STREAM, 0xabcdf)).toMatchObject({ action: 'fault', reason: 'context-invalid' });
    expect(make({ glx: 1 }).context(STREAM, 2 ** 18)).toMatchObject({ reason: 'substream-out-of-range' });
  });

  it('requests without a PASID use PASID 0 where GIOV is 1, the host tables where it is 0', () => {
    expect(make({}).context(STREAM)).toMatchObject({ action: 'translate', tables: { geometry: { format: 'x86-64' } } });
    expect(make({ giov: false }).context(STREAM).action).toBe('bypass');
    expect(make({ giov: false, mode: 3n }).context(STREAM)).toMatchObject({
      tables: { geometry: { format: 'amd-v1' } },
    });
  });

  it('what is reserved or not read is a fault by name', () => {
    expect(make({ mode: 3n }).context(STREAM)).toMatchObject({ action: 'fault', reason: 'not-supported' });
    expect(make({ glx: 3 }).context(STREAM)).toMatchObject({ action: 'fault', why: 'GLX is reserved' });
    expect(make({ levels: 6 }).context(STREAM)).toMatchObject({ action: 'fault', why: 'GuestPagingMode is reserved' });
  });

  it('a fault has the name of an AMD event', () => {
    expect(make({}).translate(STREAM, 2n ** 46n + 0x1000n).result).toMatchObject({
      syndrome: 'IO_PAGE_FAULT (event 2)',
    });
  });
});
