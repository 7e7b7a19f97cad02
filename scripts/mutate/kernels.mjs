// Mutants of the compiled kernels, each built and held against the plain twins by the tests of its module.
import { readFileSync, writeFileSync } from 'node:fs';
import { compileKernels, moduleOf } from '../kernel-compiler.mjs';
import { ROOT, textOf, treeOf } from './build.mjs';
import { KERNEL_MODULES, withFault } from './kernel-mutants.mjs';
import { runWorker } from './run-worker.mjs';

const ALLOWANCE_MS = 30_000;

/** The tests that hold a module against its twins, of files that the survey knows: first those that name the kernel, then the fastest. */
function twinTests(files, module, kernel) {
  const tests = files.filter(({ file }) => module.tests.test(file)).flatMap((each) => each.tests);
  const names = ({ name }) => (name.includes(kernel) ? 0 : 1);
  tests.sort((a, b) => names(a) - names(b) || a.time - b.time);
  return tests.map(({ file, name }) => ({ file, name, allowance: ALLOWANCE_MS }));
}

async function outcomeOf({ mutant, module, sources }, tests, worker) {
  const { source, features, constant } = module;
  const { base64, problem } = await compileKernels(source, features, [], withFault(sources, mutant));
  if (problem !== undefined) throw new Error(`${mutant.kernel}, ${mutant.by}: ${problem}`);
  const path = `${treeOf(worker.job)}${module.module}`;
  writeFileSync(path, moduleOf(constant, base64));
  try {
    const task = { kind: 'hunt', tests, others: [], loadAllowance: ALLOWANCE_MS };
    const { done, ended } = await runWorker(task, { ...worker, plain: false });
    return ended === undefined ? done : { killer: 'the watch', why: ended };
  } finally {
    writeFileSync(path, textOf(module.module));
  }
}

/** The mutants of a module, each with what it is built from. */
function planted(module) {
  textOf(module.module);
  const sources = new Map(module.files.map((file) => [file, readFileSync(`${ROOT}${file}`, 'utf8')]));
  return module.mutants.map((mutant) => ({ mutant, module, sources }));
}

/** Builds each mutant of the modules whose source begins with `prefix` and runs the tests of the twins on it. Gives each with whether it was killed. */
export async function killedKernels(files, prefix, inJobs, say) {
  const outcomes = [];
  const modules = KERNEL_MODULES.filter(({ source }) => source.startsWith(prefix));
  await inJobs(modules.flatMap(planted), async (each, worker) => {
    const { mutant, module } = each;
    const kill = await outcomeOf(each, twinTests(files, module, mutant.kernel), worker);
    outcomes.push({ ...mutant, killed: kill !== undefined });
    const end = kill === undefined ? 'SURVIVED' : `killed by ${kill.killer}`;
    say(`kernel ${mutant.kernel}, ${mutant.kind}: ${mutant.from}  =>  ${mutant.by}: ${end}`);
  });
  return outcomes;
}
