// `npm run fuzz`: mutants of every kind of input through every reader and live unit, watched for hangs, unnamed errors and
// memory. What reaches code that nothing reached before is kept and mutated in turn.
//   MUTANTS=200000 how many (default 20000); SEED=1 which; READER=dump only those whose name holds this; GUIDED=0 without
//   coverage, which is faster; KEEP=1 writes what was found to test/fuzz/corpus, shortened; INPUT=FILE one finding again.
// A finding is written to build/fuzz with the command that repeats it, and the status is 1.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { watched } from './watch.mjs';

const LONGEST_PROBLEM = 2000;
const FINDINGS = new URL('../../build/fuzz/', import.meta.url);

function whole(name, usual) {
  const text = process.env[name] ?? String(usual);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${name}: expected a whole number, got '${text}'`);
  process.exit(2);
}

const seed = whole('SEED', 1);
const end = whole('MUTANTS', 20_000);
const guided = whole('GUIDED', 1) === 1;
const plan = { seed, first: 0, end, guided, only: process.env.READER ?? '', found: [], least: false };
let [findings, inputs, blocks] = [0, 0, 0];

function report({ index, reader, input, problem }) {
  findings++;
  mkdirSync(FINDINGS, { recursive: true });
  const name = `${seed}-${index}-${findings}.json`;
  writeFileSync(new URL(name, FINDINGS), JSON.stringify({ reader, input }));
  console.log(`${reader}: ${problem.slice(0, LONGEST_PROBLEM)}`);
  console.log(`  again: INPUT=build/fuzz/${name} npm run fuzz`);
}

/** The first inputs of a worker pay for its start: a finding counts if it shows again, alone. */
async function confirm(finding) {
  const again = [];
  await watched({ ...plan, inputs: [finding] }, { finding: (one) => again.push(one) });
  if (again.length > 0) report({ ...finding, problem: again[0].problem });
}

async function runMutants() {
  const suspects = [];
  const on = {
    finding: (one) => suspects.push(one),
    kept: (one) => plan.found.push(one),
    blocks: (count) => {
      blocks = count;
    },
    running: () => inputs++,
  };
  let first = 0;
  do {
    first = await watched({ ...plan, first }, on);
    for (const finding of suspects.splice(0)) await confirm(finding);
  } while (first < end);
  if (process.env.KEEP === '1') await watched({ ...plan, least: true }, { finding: () => {} });
}

if (process.env.INPUT === undefined) await runMutants();
else await confirm({ index: 0, ...JSON.parse(readFileSync(process.env.INPUT, 'utf8')) });
console.log(`${inputs} inputs, ${guided ? `${blocks} blocks reached, ` : ''}${findings} findings`);
process.exitCode = findings > 0 ? 1 : 0;
