// Prints the README's table of speeds and writes all figures to build/bench.json. Seeds are fixed; times are times of
// this engine on the machine that runs it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { measureTimer } from '../src/bench/index.ts';
import { residentRow } from './files.ts';
import { growth, growthMarkdown, growthRow } from './growth.ts';
import { inFloors, markdown, type Row, reached } from './row.ts';
import { MEASURES, measured } from './rows.ts';
import { clock } from './sampler.ts';
import { startupRows } from './startup.ts';

const ROOT = new URL('../../../', import.meta.url);
const OUT = new URL('build/bench.json', ROOT);

function reported(row: Row): Row {
  console.error(`${row.work}: ${row.value.toPrecision(4)} ${row.measure}`);
  return row;
}

const runtime = `Node ${process.version} (V8 ${process.versions.v8}) on ${process.platform} ${process.arch}`;
const cpu = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} processors`;
const timer = measureTimer(clock);
const rows = MEASURES.map((_, index) => reported(measured(index)));
const sizes = growth();
rows.push(...[growthRow(sizes), residentRow(), ...startupRows()].map(reported));
const floors = rows.flatMap(({ floorNs }) => (floorNs === undefined ? [] : [floorNs])).sort((a, b) => a - b);

console.log(`Times of this engine on this machine: ${runtime}, ${cpu}.`);
console.log(
  `Floor: ${floors[0]?.toFixed(3)} to ${floors.at(-1)?.toFixed(3)} ns an entry, sampled in turn with each row; clock: steps of ${timer.resolutionNs.toFixed(0)} ns or less, ${timer.readingNs.toFixed(0)} ns a reading.\n`,
);
console.log(markdown(rows));
console.log(`\n${growthMarkdown(sizes)}`);
mkdirSync(new URL('build/', ROOT), { recursive: true });
const results = rows.map((row) => ({ ...row, inFloors: inFloors(row), reached: reached(row) }));
writeFileSync(
  OUT,
  JSON.stringify({ schema: 'iommu.npm-bench', version: 1, runtime, cpu, timer, rows: results, growth: sizes }, null, 2),
);
