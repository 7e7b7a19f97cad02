import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Decoding, decodeDump } from '../../src/dump/decode.ts';
import { openDump } from '../../src/dump/open.ts';
import { parseRegisters } from '../../src/dump/registers.ts';
import { memorySource } from '../../src/dump/source.ts';
import type { Dump } from '../../src/dump/types.ts';

const hex = (value: bigint | number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** How the kernels print a mapping: with a bar or without, entries that are not there as zero or left out. */
interface Style {
  readonly bar: string;
  readonly all: boolean;
  readonly device: (name: string, root: bigint) => string;
}

const OLD: Style = { bar: '', all: true, device: (name, root) => `Device ${name} @${hex(root, 1)}` };
const PASID: Style = { bar: ' |', all: false, device: (name, root) => `Device ${name} with pasid 0 @${hex(root, 1)}` };
const NEW: Style = { bar: ' |', all: false, device: (name, root) => `Device ${name} @${hex(root, 1)}` };

function* rows(
  dump: Dump,
  table: bigint,
  level: number,
  page: bigint,
  path: bigint[],
  style: Style,
): Generator<string> {
  for (let i = 0n; i < 512n; i++) {
    const entry = dump.reader.read64(Number(table + 8n * i)) ?? 0n;
    if ((entry & 3n) === 0n) continue;
    const at = page + (i << BigInt(9 * (level - 1)));
    const down = [...path, entry];
    if (level > 1 && (entry & 0x80n) === 0n) {
      yield* rows(dump, entry & 0xf_ffff_ffff_f000n, level - 1, at, down, style);
      continue;
    }
    const shown = [0n, 0n, 0n, 0n, 0n];
    for (const [k, value] of down.entries()) shown[5 - (level + down.length - 1) + k] = value;
    const columns = style.all ? shown : shown.slice(0, 6 - level);
    yield `${hex(at, 13)}${style.bar}\t${columns.map((value) => hex(value, 16)).join('\t')}`;
  }
}

function deviceName(stream: number): string {
  const part = (value: number): string => value.toString(16).padStart(2, '0');
  return `0000:${part(stream >> 8)}:${part((stream >> 3) & 31)}.${stream & 7}`;
}

function translationText(dump: Dump, decoding: Decoding, style: Style): string {
  const lines: string[] = [];
  for (const context of decoding.contexts) {
    if (context.tables === undefined) continue;
    const root = BigInt(context.tables.root);
    lines.push(
      style.device(deviceName(context.stream), root),
      'IOVA_PFN\t\tPML5E\t\t\tPML4E\t\t\tPDPE\t\t\tPDE\t\t\tPTE',
    );
    lines.push(...rows(dump, root, Math.ceil((context.tables.geometry.ias - 12) / 9), 0n, [], style), '');
  }
  return lines.join('\n');
}

function contextText(dump: Dump, decoding: Decoding): string {
  const rtaddr = dump.registers?.named.get('RTADDR') ?? 0n;
  const lines = [`IOMMU dmar0: Root Table Address: ${hex(rtaddr, 1)}`, 'B.D.F\tRoot_entry\t\t\t\tContext_entry'];
  for (const { stream, entryAddress } of decoding.contexts) {
    const root = dump.reader.read64(Number(rtaddr) + 16 * (stream >> 8)) ?? 0n;
    const [low, high] = [dump.reader.read64(entryAddress) ?? 0n, dump.reader.read64(entryAddress + 8) ?? 0n];
    const entries = `${hex(0n, 16)}:${hex(root, 16)}\t${hex(high, 16)}:${hex(low, 16)}`;
    lines.push(`${deviceName(stream).slice(5)}\t${entries}\t-1    \t${hex(0n, 16)}:${hex(0n, 16)}:${hex(0n, 16)}`);
  }
  return `${lines.join('\n')}\n\n`;
}

function registerText(dump: Dump): string {
  const offsets: Record<string, number> = { CAP: 8, ECAP: 16, GSTS: 0x1c, RTADDR: 0x20 };
  const lines = Object.entries(offsets).map(
    ([name, at]) =>
      `${name.padEnd(16)}\t0x${at.toString(16).padStart(2, '0')}\t\t${hex(dump.registers?.named.get(name) ?? 0n, 16)}`,
  );
  return `IOMMU: dmar0 Register Base Address: fed90000\nName\t\t\tOffset\t\tContents\n${lines.join('\n')}\n\n`;
}

/** Ranges by device, which all texts must keep. */
function mappings(decoding: Decoding): string[] {
  return decoding.domains
    .flatMap(({ streams, ranges }) =>
      [...ranges].flatMap((range) =>
        streams.map((stream) => [stream, range.iova, range.pa, range.bytes].map(String).join(' ')),
      ),
    )
    .sort();
}

async function capture(): Promise<{ dump: Dump; decoding: Decoding }> {
  const at = 'test/captures/x86-vtd-612-vfio';
  const registers = parseRegisters(readFileSync(`${at}/regs-vfio-mapped.json`, 'utf8'));
  const dump = await openDump(memorySource(readFileSync(`${at}/tables-vfio-mapped.jsonl.gz`)), { registers });
  return { dump, decoding: decodeDump(dump) };
}

const open = (text: string): Promise<Dump> => openDump(memorySource(new TextEncoder().encode(text)));

describe('debugfs text of Intel IOMMUs', () => {
  it.each([
    ['old prints', OLD],
    ['with PASID', PASID],
    ['new prints', NEW],
  ])('leads to the same mappings as the tables that it prints: %s', async (_, style) => {
    const { dump, decoding } = await capture();
    const want = mappings(decoding);
    expect(want.length).toBeGreaterThan(10);
    const tables = translationText(dump, decoding, style);
    for (const text of [tables, registerText(dump) + tables]) {
      const copy = await open(text);
      expect(copy.kind).toBe('debugfs');
      expect(copy.notes.map((note) => note.code)).toEqual(['contexts-made', 'some-devices']);
      expect(mappings(decodeDump(copy))).toEqual(want);
    }
  });

  it('takes root and context entries from dmar_translation_struct where it is there', async () => {
    const { dump, decoding } = await capture();
    const copy = await open(contextText(dump, decoding) + translationText(dump, decoding, NEW) + registerText(dump));
    expect(copy.notes).toEqual([]);
    const again = decodeDump(copy);
    expect(mappings(again)).toEqual(mappings(decoding));
    expect(again.domains.map(({ id }) => id)).toEqual(decoding.domains.map(({ id }) => id));
  });

  it('gives the registers alone where there is nothing else', async () => {
    const { dump } = await capture();
    const copy = await open(registerText(dump));
    expect(copy.registers?.mmioBase).toBe(0xfed90000);
    for (const name of ['CAP', 'ECAP', 'GSTS', 'RTADDR']) {
      expect(copy.registers?.named.get(name)).toBe(dump.registers?.named.get(name));
    }
    expect(copy.extents).toEqual([]);
  });

  it('counts what it does not read', async () => {
    const { dump } = await capture();
    const text = `${registerText(dump)}hello\nDevice 0000:01:00.0 with pasid 5 @0x1000\n${registerText(dump)}`;
    const codes = (await open(text)).notes.map((note) => note.code);
    expect(codes).toEqual(['lines-skipped', 'units-joined', 'contexts-made', 'some-devices']);
  });
});
