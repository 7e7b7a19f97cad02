// Mutants of the compiled kernels, each built and held against the plain twins by the tests of test/memory.
import { readFileSync, writeFileSync } from 'node:fs';
import { compileKernels, moduleOf } from '../kernel-compiler.mjs';
import { ROOT, textOf, treeOf } from './build.mjs';
import { KERNEL_MUTANTS, KERNEL_SOURCES, withFault } from './kernel-mutants.mjs';
import { runWorker } from './run-worker.mjs';
import { holdsTwins } from './survey.mjs';

const SOURCE = 'kernels/index.ts';
const MODULE = 'src/memory/kernels.generated.js';
const ALLOWANCE_MS = 30_000;

/** The tests that hold kernels against twins, of files that the survey knows: first those that name the kernel, then the fastest. */
function twinTests(files, kernel) {
  const tests = files.filter(({ file }) => holdsTwins(file)).flatMap((each) => each.tests);
  const names = ({ name }) => (name.includes(kernel) ? 0 : 1);
  tests.sort((a, b) => names(a) - names(b) || a.time - b.time);
  return tests.map(({ file, name }) => ({ file, name, allowance: ALLOWANCE_MS }));
}

async function outcomeOf(mutant, sources, tests, worker) {
  const { base64, problem } = await compileKernels(SOURCE, ['simd', 'bulk-memory'], [], withFault(sources, mutant));
  if (problem !== undefined) throw new Error(`${mutant.kernel}, ${mutant.by}: ${problem}`);
  const path = `${treeOf(worker.job)}${MODULE}`;
  writeFileSync(path, moduleOf('KERNELS_BASE64', base64));
  try {
    const task = { kind: 'hunt', tests, others: [], loadAllowance: ALLOWANCE_MS };
    const { done, ended } = await runWorker(task, { ...worker, plain: false });
    return ended === undefined ? done : { killer: 'the watch', why: ended };
  } finally {
    writeFileSync(path, textOf(MODULE));
  }
}

/** Builds each mutant and runs the tests of the twins on it. Gives each with whether it was killed. */
export async function killedKernels(files, inJobs, say) {
  const sources = new Map(KERNEL_SOURCES.map((file) => [file, readFileSync(`${ROOT}${file}`, 'utf8')]));
  textOf(MODULE);
  const outcomes = [];
  await inJobs(KERNEL_MUTANTS, async (mutant, worker) => {
    const kill = await outcomeOf(mutant, sources, twinTests(files, mutant.kernel), worker);
    outcomes.push({ ...mutant, killed: kill !== undefined });
    const end = kill === undefined ? 'SURVIVED' : `killed by ${kill.killer}`;
    say(`kernel ${mutant.kernel}, ${mutant.kind}: ${mutant.from}  =>  ${mutant.by}: ${end}`);
  });
  return outcomes;
}
