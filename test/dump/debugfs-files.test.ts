import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkDecoding } from '../../src/dump/check/check.ts';
import { decodeDump } from '../../src/dump/decode.ts';
import { openDump } from '../../src/dump/open.ts';
import { memorySource } from '../../src/dump/source.ts';
import type { Dump } from '../../src/dump/types.ts';
import { walkAddress } from '../../src/dump/walk.ts';
import { explainFault } from '../../src/fault/explain.ts';
import { readFaultLog } from '../../src/fault/log.ts';
import { FaultTables } from '../../src/fault/tables.ts';

const file = (name: string): string => readFileSync(`test/dump/fixtures/debugfs-${name}.txt`, 'utf8');
const SECOND = file('vfio-second-stage');
const FIRST = file('first-stage');
const SCALABLE = file('dmar-scalable');
const OLD = file('dmar-legacy-old');

const open = (text: string): Promise<Dump> => openDump(memorySource(new TextEncoder().encode(text)));
const codes = (dump: Dump): string[] => dump.notes.map(({ code }) => code).sort();

/** Where an address of a device leads: a physical address, or the reason why not. */
function lead(dump: Dump, stream: number, iova: bigint, substream?: number): string {
  const [walk] = walkAddress(dump, iova, { stream, substream });
  if (walk === undefined) return 'no walk';
  return walk.result.ok ? `0x${walk.result.output.toString(16)}` : walk.result.reason;
}

/** Rules that a check finds broken, with how often. */
function broken(dump: Dump): string[] {
  return checkDecoding(dump.reader, decodeDump(dump)).findings.map(({ rule }) => rule);
}

/** The device's contexts in one line each. */
function contexts(dump: Dump): string[] {
  return decodeDump(dump).contexts.map(({ stream, substream, action, tables }) => {
    const pasid = substream === undefined ? '' : ` pasid ${substream}`;
    return `${stream.toString(16)}${pasid} ${action}${tables === undefined ? '' : ` ${tables.id} ${tables.geometry.format}`}`;
  });
}

describe('domain_translation_struct', () => {
  it('is walked as second stage where the entries are, and accuses no register that it does not print', async () => {
    const dump = await open(SECOND);
    expect(lead(dump, 0xb600, 0x1fb123n)).toBe('0x1539fb123');
    expect(lead(dump, 0xb600, 0x345000n)).toBe('0x134545000');
    expect(broken(dump)).toEqual([]);
    expect(dump.registers?.named.has('GSTS')).toBe(false);
  });

  it('is walked as first stage where the entries are, with their bits by their own names', async () => {
    const dump = await open(FIRST);
    const [walk] = walkAddress(dump, 0xfffff000n, { stream: 0x2200 });
    expect(lead(dump, 0x2200, 0xfffff000n)).toBe('0x182cac000');
    expect(walk?.geometry?.summary).toBe('vt-d first stage, 4 levels, 48 bits');
    const bits = { P: 1, 'R/W': 1, 'U/S': 1, A: 1, D: 1, XD: 1 };
    expect(walk?.steps.at(-1)?.fields).toMatchObject(bits);
    expect(walk?.result).toMatchObject({ perms: 'rw' });
    expect(broken(dump)).toEqual([]);
  });

  it('knows nothing of devices that it does not name', async () => {
    const dump = await open(SECOND);
    for (const stream of [0x10, 0xb601]) expect(lead(dump, stream, 0x1fb000n)).toBe('stream-outside-memory');
    expect(decodeDump(dump).unknown).toEqual([]);
    expect(codes(dump)).toEqual(['contexts-made', 'some-devices']);
  });

  it('leads both devices of two stages to their tables', async () => {
    const dump = await open(SECOND + FIRST);
    expect(lead(dump, 0xb600, 0x1fb123n)).toBe('0x1539fb123');
    expect(lead(dump, 0x2200, 0xfffff000n)).toBe('0x182cac000');
  });

  it('keeps the tables of a PASID apart from those of the device', async () => {
    const pasid = FIRST.replace('0000:22:00.0 with pasid 0', '0000:b6:00.0 with pasid 4a');
    const dump = await open(SECOND + pasid);
    expect(contexts(dump)).toEqual(['b600 translate did 1 vtd-ss', 'b600 pasid 74 translate did 2 vtd-fs']);
    expect(lead(dump, 0xb600, 0xfffff000n, 0x4a)).toBe('0x182cac000');
    expect(lead(dump, 0xb600, 0x1fb123n)).toBe('0x1539fb123');
    expect(lead(await open(pasid), 0xb600, 0xfffff000n, 0x4a)).toBe('0x182cac000');
  });

  it('leaves out tables whose entries speak for both stages, and says so', async () => {
    const mixed = FIRST.replace('0x80000001842ee027', '0x00000001842ee003').replaceAll('0x80', '0x00');
    const dump = await open(mixed);
    expect(codes(dump)).toContain('stage-unknown');
    expect(lead(dump, 0x2200, 0xfffff000n)).not.toMatch(/^0x/);
  });

  it.each([
    ['quoted by mail', (text: string) => text.replace(/^/gm, '> > ')],
    ['with blanks for tabs, and CRLF', (text: string) => text.replaceAll('\t', '   ').replaceAll('\n', '\r\n')],
    [
      'printed by grep',
      (text: string) => text.replace(/^/gm, '/sys/kernel/debug/iommu/intel/x/domain_translation_struct:'),
    ],
    ['with rows broken over two lines', (text: string) => text.replace(/\t(0x\w{16})$/gm, '\n$1')],
  ])('is read %s', async (_, change) => {
    expect(lead(await open(change(FIRST)), 0x2200, 0xfffff000n)).toBe('0x182cac000');
    const dump = await open(change(SECOND));
    expect(lead(dump, 0xb600, 0x1fb123n)).toBe('0x1539fb123');
    expect(codes(dump)).toEqual(['contexts-made', 'some-devices']);
  });

  it('counts places where rows were taken out', async () => {
    expect(codes(await open(`${SECOND}[...]\n`))).toContain('rows-skipped');
  });
});

describe('dmar_translation_struct', () => {
  it('is read with its PASID table entries, of which none is broken', async () => {
    const dump = await open(SCALABLE);
    expect(contexts(dump)).toEqual(['b404 bypass', 'b408 bypass', 'b500 bypass', 'b600 translate did 3 vtd-ss']);
    expect(broken(dump)).toEqual(['table-not-in-dump']);
    expect(lead(dump, 0xb600, 0x1fb123n)).toBe('table-outside-memory');
  });

  it('keeps the mappings of domain_translation_struct in one file with it, and says where the two differ', async () => {
    for (const text of [SECOND + SCALABLE, SCALABLE + SECOND]) {
      const dump = await open(text);
      expect(lead(dump, 0xb600, 0x1fb123n)).toBe('0x1539fb123');
      expect(codes(dump)).toEqual(['roots-differ', 'some-devices']);
      expect(contexts(dump)).toContain('b600 translate did 3 vtd-ss');
    }
    const same = SECOND.replace('@0x14b351000', '@0x129c21000');
    expect(codes(await open(SCALABLE + same))).toEqual(['some-devices']);
  });

  it('does not accuse a context whose last column was cut', async () => {
    const cut = SCALABLE.replace(/\t\d+ +\t\S+$/gm, '').replace(/\s+0\s+0x\S+$/gm, '');
    const dump = await open(cut);
    expect(broken(dump)).not.toContain('context-broken');
    expect(lead(await open(cut + SECOND), 0xb600, 0x1fb123n)).toBe('0x1539fb123');
  });

  it('joins units, which have a bus in common', async () => {
    const unit = (name: string, row: string): string =>
      `IOMMU ${name}: Root Table Address: 0x${name === 'dmar0' ? '1' : '2'}00000\n${row}\n`;
    const words = (high: string, low: string): string => `0x${high.padStart(16, '0')}:0x${low.padStart(16, '0')}`;
    const none = `-1\t0x${'0'.repeat(16)}:0x${'0'.repeat(16)}:0x${'0'.repeat(16)}`;
    const one = unit('dmar0', `00:02.0\t${words('0', '101001')}\t${words('102', '300001')}\t${none}`);
    const two = unit('dmar1', `00:1f.3\t${words('0', '201001')}\t${words('202', '400001')}\t${none}`);
    const dump = await open(one + two);
    expect(contexts(dump)).toEqual(['10 translate did 1 vtd-ss', 'fb translate did 2 vtd-ss']);
    expect(codes(dump)).toEqual(['units-joined']);
    expect(lead(dump, 0x100, 0n)).toBe('stream-out-of-range');
  });

  it('is read in the form of the first kernels', async () => {
    const dump = await open(OLD);
    expect(contexts(dump)).toEqual([
      'a0 translate did 1 vtd-ss',
      'b8 translate did 3 vtd-ss',
      'f8 translate did 2 vtd-ss',
    ]);
    expect(decodeDump(dump).domains.map(({ root }) => root)).toEqual([0x4362ef000, 0x435ec4000, 0x436300000]);
    expect(new Set(broken(dump))).toEqual(new Set(['table-not-in-dump']));
  });
});

const AMD = `DeviceId             QWORD[3]         QWORD[2]         QWORD[1]         QWORD[0] iommu
0000:01:00.0 0000000000000000 20000001373b8013 0000000000000038 6000000114d7b603 iommu3
0000:02:00.0 0000000000000000 20000001373b8013 0000000000000003 6000000000000003 iommu3
`;

describe('AMD’s files', () => {
  it('give device table entries, and no table that they do not print', async () => {
    const dump = await open(AMD);
    expect(contexts(dump)).toEqual(['100 translate domain 56 amd-v1', '200 bypass']);
    expect(decodeDump(dump).domains[0]).toMatchObject({ root: 0x114d7b000, leafCount: 0 });
    expect(lead(dump, 0x100, 0x1000n)).toBe('table-outside-memory');
    expect(lead(dump, 0x300, 0x1000n)).toBe('stream-outside-memory');
    expect(broken(dump)).toEqual(['table-not-in-dump']);
  });

  it('give registers by their offsets', async () => {
    const dump = await open('Offset:0x18 Value:0x0000000000000001\nOffset:0x0 Value:0x00000000010001ff\n');
    expect(dump.registers?.named).toEqual(
      new Map([
        ['CONTROL', 1n],
        ['DEV_TAB_BASE', 0x10001ffn],
      ]),
    );
    const rules = broken(dump);
    expect(rules).toContain('queue-off');
    expect(rules).not.toContain('translation-off');
  });

  it('are refused together with Intel’s', async () => {
    await expect(open(AMD + SECOND)).rejects.toMatchObject({ code: 'MALFORMED' });
  });
});

/** The cause of a fault line with a text as dump. */
async function cause(line: string, text: string): Promise<string> {
  const [incident] = readFaultLog(line).incidents;
  if (incident === undefined) throw new Error('no fault in the line');
  return explainFault(incident, new FaultTables(await open(text)), undefined).cause.name;
}

describe('a fault with debugfs text as dump', () => {
  const line = (device: string, address: string): string =>
    `DMAR: [DMA Write NO_PASID] Request device [${device}] fault addr ${address} [fault reason 0x05] PTE Write access is not set`;

  it('is explained by the tables of its device', async () => {
    expect(await cause(line('b6:00.0', '0x1fd000'), SECOND)).toBe('overrun');
    expect(await cause(line('b6:00.0', '0x208000'), SECOND)).toBe('stale-tlb');
  });

  it('is not explained by what the text does not hold', async () => {
    expect(await cause(line('00:02.0', '0x208000'), SECOND)).toBe('not-permitted');
    expect(await cause(line('b6:00.0', '0x208000'), SCALABLE)).toBe('not-permitted');
    const amd = 'AMD-Vi: Event logged [IO_PAGE_FAULT device=02:00.0 domain=0x0038 address=0xdead0000 flags=0x0020]';
    expect(await cause(amd, AMD.split('\n').slice(0, 2).join('\n'))).toBe('not-mapped');
  });
});
