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

const total = (tests) => tests.reduce((sum, { time }) => sum + time, 0);

/**
 * The tests of a mutant: those that run its place; for what runs only when a module is loaded, those of the files that load it
 * which run anything else of the same source.
 */
function candidates(files, mutant, idsOfFile) {
  const direct = files.flatMap(({ tests }) => tests.filter(({ reached }) => holds(reached, mutant.id)));
  if (direct.length > 0) return direct;
  const loading = files
    .filter(({ atLoad }) => atLoad.length > 0 && holds(atLoad, mutant.id))
    .flatMap(({ tests }) => tests);
  const ids = idsOfFile.get(mutant.file);
  const near = loading.filter(({ reached }) => ids.some((id) => holds(reached, id)));
  return near.length > 0 ? near : loading;
}

/** Gives a function that says of a mutant whether it is killed, by which test, and why. */
export function hunter(files, mutants, { seconds }) {
  const idsOfFile = new Map();
  for (const { file, id } of mutants) idsOfFile.set(file, [...(idsOfFile.get(file) ?? []), id]);
  const kills = new Map();
  const score = (test, file) => kills.get(`${file}<${test.file}>${test.name}`) ?? 0;

  /** Tests that killed mutants of the same source first, then the fastest, as long as there is time. */
  function planOf(mutant) {
    const all = candidates(files, mutant, idsOfFile);
    const sorted = all.sort((a, b) => score(b, mutant.file) - score(a, mutant.file) || a.time - b.time);
    let left = seconds * 1000;
    const chosen = sorted.filter(({ time }) => {
      left -= time;
      return left >= 0;
    });
    return { chosen, all };
  }

  async function attempt(tests, plain, worker) {
    const own = tests.filter(({ file }) => isPlain(file) === plain);
    if (own.length === 0) return undefined;
    const rows = own.map(({ file, name, time }) => ({ file, name, allowance: SLOWER * time + MORE_MS }));
    const { done, ended } = await runWorker(
      { kind: 'hunt', tests: rows, loadAllowance: LOAD_MS },
      { ...worker, plain },
    );
    return ended === undefined ? done : { by: 'the watch', why: ended };
  }

  return async (mutant, worker) => {
    const { chosen, all } = planOf(mutant);
    const path = `${treeOf(worker.job)}${mutant.file}`;
    writeFileSync(path, applied(textOf(mutant.file), mutant));
    try {
      const kill = (await attempt(chosen, true, worker)) ?? (await attempt(chosen, false, worker));
      if (kill !== undefined) {
        const [file, name] = kill.by.split(/ > (.*)/s);
        const key = `${mutant.file}<${file}>${name}`;
        kills.set(key, (kills.get(key) ?? 0) + 1);
        return { killed: true, ...kill };
      }
      return { killed: false, tests: chosen.length, of: all.length, seconds: total(chosen) / 1000 };
    } finally {
      writeFileSync(path, textOf(mutant.file));
    }
  };
}
