import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { PagesReader } from './memory.ts';

const ROOT = new URL('../captures/', import.meta.url);

interface ExpectedLeaf {
  readonly root: readonly string[];
  readonly iova: string;
  readonly pa: string;
  readonly size: string;
  readonly level: number;
  readonly pte: string;
}

/** One capture of tables and registers, with the recorded leaves. */
export interface Capture {
  readonly name: string;
  readonly reader: PagesReader;
  readonly registers: { readonly iommu: string; readonly named: ReadonlyMap<string, bigint> };
  readonly leaves: readonly ExpectedLeaf[];
  // biome-ignore lint/suspicious/noExplicitAny: recorded answers of several shapes
  readonly expected: any;
}

function lines(path: URL): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n').filter(Boolean);
}

function flatten(named: Record<string, unknown>): Map<string, bigint> {
  const out = new Map<string, bigint>();
  for (const [name, value] of Object.entries(named)) {
    if (typeof value === 'string') out.set(name, BigInt(value));
  }
  return out;
}

/** Captures whose folder starts with one of the prefixes. */
export function captures(...prefixes: string[]): string[] {
  const found: string[] = [];
  for (const folder of readdirSync(ROOT).sort()) {
    if (!prefixes.some((prefix) => folder.startsWith(prefix))) continue;
    for (const file of readdirSync(new URL(`${folder}/`, ROOT))) {
      const match = /^tables-(.+)\.jsonl\.gz$/.exec(file);
      if (match !== null) found.push(`${folder}/${match[1]}`);
    }
  }
  return found;
}

/** Reads one capture, by `folder/capture`. */
export function readCapture(name: string): Capture {
  const [folder, capture] = name.split('/');
  const at = (file: string) => new URL(`${folder}/${file}`, ROOT);
  const reader = new PagesReader();
  for (const line of lines(at(`tables-${capture}.jsonl.gz`))) {
    const row = JSON.parse(line) as { pa: string; bytes_base64: string };
    reader.put(Number(row.pa), new Uint8Array(Buffer.from(row.bytes_base64, 'base64')));
  }
  const regs = JSON.parse(readFileSync(at(`regs-${capture}.json`), 'utf8')) as {
    iommu: string;
    named: Record<string, unknown>;
  };
  return {
    name,
    reader,
    registers: { iommu: regs.iommu, named: flatten(regs.named) },
    leaves: lines(at(`leaves-${capture}.jsonl.gz`)).map((line) => JSON.parse(line) as ExpectedLeaf),
    expected: JSON.parse(gunzipSync(readFileSync(at(`expected-${capture}.json.gz`))).toString('utf8')),
  };
}
