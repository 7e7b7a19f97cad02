/**
 * Golden vectors: what was recorded from Linux's own page-table code, as JSON lines. The schema stands in
 * `docs/vectors.md`.
 * @module
 */
import { InputError } from '../errors.ts';
import { wrongKey } from './schema.ts';

/** One TLB callback: flush_walk, add_page for `n` pages, flush_all, or the core's sync. */
export type TlbEvent =
  | readonly ['W', string, string, string]
  | readonly ['A', string, string, number]
  | readonly ['F']
  | readonly ['S'];

/** A table entry in use, or a run of them: table, level, index, value, and for a run its length and stride. */
export type DumpRow = readonly [string, number, number, string, number?, string?];

/** One operation with its expected results. */
export interface VectorOp {
  readonly op: string;
  readonly iova?: string;
  readonly paddr?: string;
  readonly size?: string;
  readonly pgsize?: string;
  readonly pgcount?: number;
  readonly prot?: number;
  readonly queued?: boolean;
  readonly after?: number;
  readonly sg?: readonly (readonly [string, string])[];
  readonly q?: readonly (readonly [string, string])[];
  readonly rows?: readonly DumpRow[];
  readonly ret?: number | string;
  readonly mapped?: string;
  readonly tlb?: readonly TlbEvent[];
}

/** One vector. */
export interface Vector {
  readonly id: string;
  readonly fmt: string;
  readonly cfg: {
    readonly ias: number;
    readonly oas: number;
    readonly pgsize_bitmap: string;
    readonly quirks: string;
    readonly coherent: boolean;
    readonly table_base: string;
    readonly cpu_page_size: number;
  };
  readonly init: {
    readonly ok: boolean;
    readonly pgsize_bitmap?: string;
    readonly ias?: number;
    readonly oas?: number;
  };
  readonly ops: readonly VectorOp[];
  readonly regs: Readonly<Record<string, string | number>> | null;
  readonly dump: readonly DumpRow[] | null;
  readonly tables?: { readonly allocated: number; readonly freed: number };
  readonly dma_sync?: { readonly calls: number; readonly bytes: number };
}

/**
 * Reads the vectors of one file.
 * @param source name of the file, for errors
 * @throws InputError `MALFORMED` with the line, `NO_EVENTS` where there is none.
 */
export function parseVectors(source: string, text: string): Vector[] {
  const vectors: Vector[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parseLine(source, line, i + 1);
    const wrong = wrongKey(value);
    if (wrong !== undefined) {
      const message = `line ${i + 1} is no vector: ${wrong} is missing or wrong`;
      throw new InputError('MALFORMED', source, message, { line: i + 1, key: wrong });
    }
    vectors.push(value as Vector);
  }
  if (vectors.length === 0) throw new InputError('NO_EVENTS', source, 'holds no vectors');
  return vectors;
}

function parseLine(source: string, line: string, number: number): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (cause) {
    throw new InputError('MALFORMED', source, `line ${number} is no JSON: ${String(cause)}`, { line: number });
  }
}
