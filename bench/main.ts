// Prints the tables of speeds and writes all figures to build/bench.json. Seeds are fixed; times are times of this engine on the
// machine that runs it. Options: --json prints the figures instead; --table measures the rows of the README only;
// --agree fails where `iommu bench` differs by more than 25 % from a row; --write FILE... replaces the blocks of figures in documents.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureTimer } from '../src/bench/index.ts';
import { writeBlocks } from './blocks.ts';
import { agreement, documentOf } from './figures.ts';
import { residentRow, twoThreadRow } from './files.ts';
import { type GrowthRow, growth, growthMarkdown, growthRow } from './growth.ts';
import { markdown, shortMarkdown } from './print.ts';
import type { Row } from './row.ts';
import { MEASURES, measured, README_ROWS } from './rows.ts';
import { clock } from './sampler.ts';
import { startupRows } from './startup.ts';

const ROOT = new URL('../../../', import.meta.url);
const OUT = new URL('build/bench.json', ROOT);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    agree: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

function reported(row: Row): Row {
  console.error(`${row.work}: ${row.value.toPrecision(4)} ${row.measure}`);
  return row;
}

/** All rows, or those of the README. */
function measureAll(tableOnly: boolean): { rows: Row[]; sizes: GrowthRow[] } {
  const count = tableOnly ? README_ROWS : MEASURES.length;
  const rows = Array.from({ length: count }, (_, index) => reported(measured(index)));
  if (tableOnly) return { rows, sizes: [] };
  const sizes = growth();
  return {
    rows: [...rows, ...[twoThreadRow(), growthRow(sizes), residentRow(), ...startupRows()].map(reported)],
    sizes,
  };
}

/** What was measured where. */
function heading(rows: readonly Row[]): string {
  const floors = rows.flatMap(({ floorNs }) => (floorNs === undefined ? [] : [floorNs])).sort((a, b) => a - b);
  const text = `Floor: ${floors[0]?.toFixed(3)} to ${floors.at(-1)?.toFixed(3)} ns an entry`;
  const steps = `steps of ${timer.resolutionNs.toFixed(0)} ns or less, ${timer.readingNs.toFixed(0)} ns a reading`;
  return `Times of this engine on this machine: ${runtime}, ${cpu}.\n${text}, sampled in turn with each row; clock: ${steps}.`;
}

const runtime = `Node ${process.version} (V8 ${process.versions.v8}) on ${process.platform} ${process.arch}`;
const cpu = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} processors`;
const timer = measureTimer(clock);
const { rows, sizes } = measureAll(values.table);
const document = documentOf(rows, sizes, { runtime, cpu, timer, load: loadavg()[0] ?? null });
const { text, all } = agreement(rows);
const whole = [heading(rows), text, markdown(rows), ...(sizes.length > 0 ? [growthMarkdown(sizes)] : [])].join('\n\n');
console.log(values.json ? JSON.stringify(document, null, 2) : whole);
mkdirSync(new URL('build/', ROOT), { recursive: true });
writeFileSync(OUT, JSON.stringify(document, null, 2));
if (values.write) {
  const short = `${heading(rows)}\n\n${shortMarkdown(rows.slice(0, README_ROWS))}`;
  for (const path of positionals) writeBlocks(path, { 'npm run bench': whole, 'npm run bench, in short': short });
}
if (values.agree && !all) process.exitCode = 1;
