// Which tests a mutant meets, in which order, and whether one of them fails.
import { writeFileSync } from 'node:fs';
import { textOf, treeOf } from './build.mjs';
import { applied } from './operators.mjs';
import { runWorker } from './run-worker.mjs';
import { holds, isPlain } from './survey.mjs';

/** A step may take so many times what it took without the mutant, and so much more. */
const SLOWER = 8;
const MORE_MS = 3000;
const LOAD_MS = 10_000;
/** What a test may take of which the survey does not know how long it takes. */
const OTHERS_MS = 30_000;
/** What loading a file costs for each test in it: a test of a small file comes before one of a large file. */
const LOAD_MS_PER_TEST = 0.1;

const total = (tests) => tests.reduce((sum, { time }) => sum + time, 0);

/**
 * The tests of a mutant: those that run its place; for what runs when a module is loaded, those of the files that load it which
 * run anything else of the same source. A module that a test loads itself seems to run in that test alone.
 */
function candidates(files, mutant, idsOfFile) {
  const direct = files.flatMap(({ tests }) => tests.filter(({ reached }) => holds(reached, mutant.id)));
  const loading = files
    .filter(({ atLoad }) => atLoad.length > 0 && holds(atLoad, mutant.id))
    .flatMap(({ tests }) => tests);
  if (loading.length === 0) return direct;
  const ids = idsOfFile.get(mutant.file);
  const near = loading.filter(({ reached }) => ids.some((id) => holds(reached, id)));
  return near.length > 0 ? near : [...new Set([...direct, ...loading])];
}

/** Gives a function that says of a mutant whether it is killed, by which test, and why. */
export function hunter(files, mutants, { seconds }) {
  const idsOfFile = new Map();
  for (const { file, id } of mutants) idsOfFile.set(file, [...(idsOfFile.get(file) ?? []), id]);
  const kills = new Map();
  const score = (test, file) => kills.get(`${file}<${test.file}>${test.name}`) ?? 0;

  const sizes = new Map(files.map(({ file, tests }) => [file, tests.length]));
  const costOf = ({ file, time }) => time + LOAD_MS_PER_TEST * sizes.get(file);

  /** Tests that killed mutants of the same source first, then the fastest, as long as there is time. */
  function planOf(mutant) {
    const all = candidates(files, mutant, idsOfFile);
    const sorted = all.sort((a, b) => score(b, mutant.file) - score(a, mutant.file) || costOf(a) - costOf(b));
    let left = seconds * 1000;
    const chosen = sorted.filter(({ time }) => {
      left -= time;
      return left >= 0;
    });
    return { chosen, all };
  }

  /** Files of which the survey had no time for all tests, with the heads of those that reach the mutant. */
  function othersOf(all) {
    const headsIn = (file) => [
      ...new Set(all.filter((each) => each.file === file).map(({ name }) => name.split(' > ')[0])),
    ];
    return files
      .filter(({ rest }) => rest > 0)
      .map(({ file, known }) => ({ file, known, heads: headsIn(file), limit: seconds * 1000, allowance: OTHERS_MS }))
      .filter(({ heads }) => heads.length > 0);
  }

  async function attempt({ chosen, all }, plain, worker) {
    const own = chosen.filter(({ file }) => isPlain(file) === plain);
    const others = othersOf(all).filter(({ file }) => isPlain(file) === plain);
    if (own.length + others.length === 0) return undefined;
    const tests = own.map(({ file, name, time }) => ({ file, name, allowance: SLOWER * time + MORE_MS }));
    const task = { kind: 'hunt', tests, others, loadAllowance: LOAD_MS };
    const { done, ended } = await runWorker(task, { ...worker, plain });
    return ended === undefined ? done : { killer: 'the watch', why: ended };
  }

  return async (mutant, worker) => {
    const plan = planOf(mutant);
    const path = `${treeOf(worker.job)}${mutant.file}`;
    writeFileSync(path, applied(textOf(mutant.file), mutant));
    try {
      const kill = (await attempt(plan, true, worker)) ?? (await attempt(plan, false, worker));
      if (kill !== undefined) {
        const [file, name] = kill.killer.split(/ > (.*)/s);
        const key = `${mutant.file}<${file}>${name}`;
        kills.set(key, (kills.get(key) ?? 0) + 1);
        return { killed: true, ...kill };
      }
      return { killed: false, tests: plan.chosen.length, of: plan.all.length, seconds: total(plan.chosen) / 1000 };
    } finally {
      writeFileSync(path, textOf(mutant.file));
    }
  };
}
