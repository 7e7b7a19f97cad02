// Which test reaches which mutant, and how long each test takes. Kept per test file under build/mutate/survey until a
// source, that file, or a helper of the tests changes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BUILD, compiledFiles, hashOf, textOf } from './build.mjs';
import { KERNEL_MODULES } from './kernel-mutants.mjs';
import { runWorker } from './run-worker.mjs';

/** Folders of tests whose subject is what is mutated. */
const TESTS = [
  'facts',
  'suite',
  'drivers',
  'cross',
  'limits',
  'dma',
  'memory',
  'conform',
  'hardware',
  'dump',
  'device',
  'gen',
];
/** Test files of those folders that run the built program, and one whose tests take longer than a mutant may. */
const OTHERS = new Set(['test/conform/cli.test.js', 'test/conform/vectors.test.js', 'test/gen/gen.test.js']);
const TEST_MS = 120_000;
/** Processor time after which the rest of a file's tests is left out. */
const FILE_MS = 12_000;
/** The same for the tests that every mutant of a compiled kernel meets. */
const TWINS_MS = 120_000;
const FOLDER = `${BUILD}survey/`;

/** Compiled kernels are the subject of these tests; all others run on their plain twins. */
export function isPlain(file) {
  return !file.startsWith('test/memory/') && !holdsTwins(file);
}

/** Whether a test file holds the compiled kernels against their plain twins. */
export function holdsTwins(file) {
  return KERNEL_MODULES.some(({ tests }) => tests.test(file));
}

function testFiles() {
  const only = (process.env.TESTS ?? '').split(',').filter((folder) => folder !== '');
  const folders = (only.length > 0 ? only : TESTS).map((folder) => `test/${folder}`);
  const isOf = (file) =>
    folders.some((folder) => file.startsWith(`${folder}/`)) || (only.length === 0 && holdsTwins(file));
  return compiledFiles(['test']).filter((file) => file.endsWith('.test.js') && isOf(file) && !OTHERS.has(file));
}

const pack = (ids, count) => {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (const id of ids) bits[id >> 3] |= 1 << (id & 7);
  return Buffer.from(bits).toString('base64');
};

/** Whether a packed set holds an id. */
export function holds(bits, id) {
  return ((bits[id >> 3] >> (id & 7)) & 1) === 1;
}

async function surveyed(file, mutants, places, common, worker) {
  const kept = `${FOLDER}${hashOf([common, textOf(file)]).slice(0, 24)}.json`;
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'));
  const task = { kind: 'survey', file, places, allowance: TEST_MS, limit: holdsTwins(file) ? TWINS_MS : FILE_MS };
  const { done, ended } = await runWorker(task, { ...worker, plain: isPlain(file) });
  if (done === undefined) return { file, tests: 0, atLoad: '', rows: [], ended };
  const rows = done.rows.map((row) => ({ ...row, reached: pack(row.reached, mutants.length) }));
  const result = { file, tests: done.tests, atLoad: pack(done.atLoad, mutants.length), rows };
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(kept, JSON.stringify(result));
  return result;
}

function unpacked({ file, tests: size = 0, atLoad, rows }) {
  const bits = (text) => Buffer.from(text, 'base64');
  const tests = rows.filter(({ failure }) => failure === undefined);
  const reaching = tests.map((row) => ({ ...row, file, reached: bits(row.reached) }));
  return { file, atLoad: bits(atLoad), known: rows.map(({ name }) => name), rest: size - rows.length, tests: reaching };
}

/**
 * Runs or remembers the survey of the test files that are wanted. `inJobs` runs a function over a list, several at once. Gives the
 * files with their tests.
 */
export async function survey(sources, mutants, isWanted, inJobs, say) {
  const helpers = compiledFiles(['src', 'test', 'examples']).filter((file) => !file.endsWith('.test.js'));
  const operators = readFileSync(new URL('operators.mjs', import.meta.url), 'utf8');
  const common = hashOf([operators, ...helpers.map(textOf)]);
  const places = sources.map((source) => [source, mutants.filter(({ file }) => file === source)]);
  const files = [];
  await inJobs(testFiles().filter(isWanted), async (file, worker) => {
    const result = await surveyed(file, mutants, places, common, worker);
    const failed = result.rows.filter(({ failure }) => failure !== undefined);
    const seconds = result.rows.reduce((sum, { time }) => sum + time, 0) / 1000;
    const end = result.ended === undefined ? '' : `, ended: ${result.ended}`;
    say(`survey of ${file}: ${result.rows.length} of ${result.tests} tests, ${seconds.toFixed(1)} s${end}`);
    for (const { name, failure } of failed) say(`  left out, fails here: ${name}: ${failure}`);
    files.push(unpacked(result));
  });
  return files;
}
