/**
 * Runs `iommu replay` within the test's process and takes its JSON answer.
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli } from '../support/cli.ts';

/** The captures. */
export const CAPTURES: string = fileURLToPath(new URL('../captures/', import.meta.url));

/** A mapped range. */
export interface RangeJson {
  readonly iova: string;
  readonly pa: string;
  readonly bytes: string;
  readonly domain: string;
}

/** One row of the answer. */
export interface RowJson {
  readonly path: string;
  readonly dispatch: string;
  readonly format: string;
  readonly granule: string;
  readonly iova: string;
  readonly physical: string;
  readonly tlb: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly leaves: Readonly<Record<string, number>>;
  readonly refused: readonly { readonly code: string; readonly count: number; readonly first: string }[];
}

/** What the tests look at. */
export interface ReplayJson {
  readonly trace: { readonly events: number; readonly skipped: readonly { readonly count: number }[] };
  readonly calls: object;
  readonly witnesses: { readonly total: number; readonly agree: number };
  readonly live: { readonly endBytes: number };
  readonly domains: readonly { readonly title: string }[];
  readonly ranges: readonly RangeJson[];
  readonly rows: readonly RowJson[];
}

/** The JSON answer. @throws Error with the program's message if it fails. */
export async function replayJson(...args: string[]): Promise<ReplayJson> {
  const { status, stdout, error } = await runCli('replay', ...args, '--json', '--quiet');
  if (status !== 0) throw new Error(`status ${status}: ${error}`);
  return JSON.parse(stdout) as ReplayJson;
}

/** Calls `use` with the path of a file of these bytes, which is gone afterwards. */
export async function withFile<T>(
  bytes: Uint8Array | string,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-replay-'));
  try {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
