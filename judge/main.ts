/**
 * `npm run judge`: QEMU as a second reader of the tables that this project writes, of mutants of them, and of the
 * structures around them. PROBES and MUTANTS are counts a unit, SEED makes a run repeatable, UNIT is a part of a name,
 * IOMMU_EMULATORS a folder of emulators that are taken before those of PATH, and RECORD a file for what both agree on, as lines
 * of a conformance pack.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { seeded } from '../src/bench/random.ts';
import { emulatorOf } from './emulator.ts';
import { type Difference, Judge, type UnitReport } from './judge.ts';
import { PackRecorder } from './recorder.ts';
import { rulingOf } from './rulings.ts';
import { UNITS } from './units.ts';

const MOST_SHOWN = 20;

function whole(name: string, usual: number): number {
  const text = process.env[name] ?? String(usual);
  if (/^\d{1,8}$/.test(text)) return Number(text);
  console.error(`${name}: expected a whole number, got '${text}'`);
  process.exit(2);
}

/** Differences by ruling, most frequent first. */
function grouped(differences: readonly Difference[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const one of differences) {
    const ruling = rulingOf(one);
    const name = ruling === undefined ? 'not ruled on' : `${ruling.right}: ${ruling.name} (${ruling.source})`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

function show({ unit, probes, mutants, agreed, noVerdict, differences }: UnitReport): Difference[] {
  console.log(`${unit}: ${probes} probes, ${mutants} mutants; ${agreed} answers agree, ${differences.length} differ`);
  for (const [why, count] of noVerdict) console.log(`  no verdict ${count}: ${why}`);
  for (const [name, count] of grouped(differences)) console.log(`  differ ${count}: ${name}`);
  const open = differences.filter((one) => rulingOf(one) === undefined);
  for (const one of open.slice(0, MOST_SHOWN)) {
    console.log(`    ${one.flip ?? 'probe'}: ${one.ours}; the emulator: ${one.theirs}\n      ${one.detail}`);
  }
  return open;
}

const seed = whole('SEED', 1);
const [probes, mutants] = [whole('PROBES', 2000), whole('MUTANTS', 500)];
const wanted = process.env['UNIT'] ?? '';
const file = process.env['RECORD'];
const recorded: object[] = [];
let [probed, mutated, open, skipped] = [0, 0, 0, 0];
for (const unit of UNITS.filter(({ name }) => name.includes(wanted))) {
  const emulator = emulatorOf(unit);
  if (typeof emulator === 'string') {
    console.log(`${unit.name}: skipped, ${emulator}`);
    skipped++;
    continue;
  }
  const recorder = new PackRecorder(unit, `qemu-${emulator.version.split('.').slice(0, 2).join('.')}`);
  const judge = new Judge(unit, emulator, seeded(seed), file === undefined ? undefined : recorder);
  await judge.run(probes, mutants, () => {
    if (process.stderr.isTTY) process.stderr.write(`\r${unit.name}: ${judge.report.probes} probes `);
  });
  await judge.stop();
  console.log(`QEMU ${emulator.version}`);
  open += show(judge.report).length;
  recorded.push(...recorder.lines);
  probed += judge.report.probes;
  mutated += judge.report.mutants;
}
if (file !== undefined) {
  writeFileSync(file, gzipSync(recorded.map((line) => `${JSON.stringify(line)}\n`).join(''), { level: 9 }));
}
console.log(
  `${probed} probes, ${mutated} mutants, ${open} differences that are not ruled on, ${skipped} units skipped`,
);
process.exitCode = probed === 0 || open > 0 ? 1 : 0;
