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
 * The tests of a mutant: those that run its place; for what runs when a module is loaded, those of the files that load it: tables of
 * fields are read by code of other modules. A module that a test loads itself seems to run in that test alone.
 */
function candidates(files, mutant) {
  const direct = files.flatMap(({ tests }) => tests.filter(({ reached }) => holds(reached, mutant.id)));
  const loading = files
    .filter(({ atLoad }) => atLoad.length > 0 && holds(atLoad, mutant.id))
    .flatMap(({ tests }) => tests);
  return loading.length === 0 ? direct : [...new Set([...direct, ...loading])];
}

/** Test files that import the source by its name, and so are likely to be about it. */
function isAbout(testFile, source) {
  return textOf(testFile).includes(`/${source}'`);
}

/** Gives a function that says of a mutant whether it is killed, by which test, and why. */
export function hunter(files, { seconds }) {
  const kills = new Map();
  const killsOf = (test, file) => kills.get(`${file}<${test.file}>${test.name}`) ?? 0;

  const sizes = new Map(files.map(({ file, tests }) => [file, tests.length]));
  const costOf = ({ file, time }) => time + LOAD_MS_PER_TEST * sizes.get(file);

  /**
   * As long as there is time: tests that killed mutants of the same source, those that import it, those that killed any, for what
   * they cost, and then the fastest.
   */
  function planOf(mutant) {
    const all = candidates(files, mutant);
    const about = new Map(files.map(({ file }) => [file, isAbout(file, mutant.file) ? 1 : 0]));
    const keys = new Map(
      all.map((test) => [
        test,
        [killsOf(test, mutant.file), about.get(test.file), killsOf(test, '') / costOf(test), -costOf(test)],
      ]),
    );
    const order = (a, b) => {
      const [one, other] = [keys.get(a), keys.get(b)];
      const at = one.findIndex((key, i) => key !== other[i]);
      return at < 0 ? 0 : other[at] - one[at];
    };
    const sorted = all.sort(order);
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
        for (const source of [mutant.file, '']) {
          const key = `${source}<${file}>${name}`;
          kills.set(key, (kills.get(key) ?? 0) + 1);
        }
        return { killed: true, ...kill };
      }
      return { killed: false, tests: plan.chosen.length, of: plan.all.length, seconds: total(plan.chosen) / 1000 };
    } finally {
      writeFileSync(path, textOf(mutant.file));
    }
  };
}
