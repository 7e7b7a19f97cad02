// `npm run mutate`: small faults put into the sources one by one, and whether the tests that reach them fail.
//   MUTANTS=400 how many (all: 0); SEED=1 which; ONLY=src/formats a prefix of the files (kernels/trace: that module); JOBS=2 workers;
//   SECONDS=10 processor time of tests that one mutant may take; KERNELS=0 without the mutants of the kernels;
//   BUILD=0 with what the last run compiled; TESTS=test folders by comma, without their `test/`.
// The outcome is written to build/mutate/outcome.json. Survivors whose reason stands in equivalent.json are printed with it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomFor } from '../fuzz/random.mjs';
import { BUILD, buildTrees, compiledFiles, textOf } from './build.mjs';
import { hunter } from './hunt.mjs';
import { killedKernels } from './kernels.mjs';
import { mutantsOf } from './operators.mjs';
import { foldersTable, sentenceOf, survivorsText } from './report.mjs';
import { holds, holdsTwins, survey } from './survey.mjs';

const FOLDERS = ['formats', 'pagetable', 'core', 'drivers', 'hardware', 'dump', 'memory'];

function whole(name, usual) {
  const text = process.env[name] ?? String(usual);
  if (/^\d{1,6}$/.test(text)) return Number(text);
  console.error(`${name}: expected a whole number, got '${text}'`);
  process.exit(2);
}

const settings = {
  seed: whole('SEED', 1),
  count: whole('MUTANTS', 400),
  jobs: Math.max(1, whole('JOBS', 2)),
  seconds: whole('SECONDS', 10),
  kernels: whole('KERNELS', 1) !== 0,
  only: (process.env.ONLY ?? 'src/').replace(/\.ts$/, '.js'),
};
/** Which compiled kernels: all of them, unless `ONLY` names some. */
const kernelPrefix = settings.only.startsWith('kernels/') ? settings.only : 'kernels/';
const say = (line) => console.log(line);

/** Runs `run` over a list, one item for each worker at once. */
async function inJobs(list, run) {
  const queue = [...list];
  const work = async (job) => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await run(item, { job, jobs: settings.jobs });
    }
  };
  await Promise.all(Array.from({ length: settings.jobs }, (_, job) => work(job)));
}

function allMutants(sources) {
  const mutants = sources.flatMap((file) => mutantsOf(textOf(file)).map((mutant) => ({ ...mutant, file })));
  return mutants.map((mutant, id) => ({ ...mutant, id }));
}

/** Defaults of indexed reads that no test reaches: most are there for the compiler. They are counted and left out. */
function isIdle({ kind, id }, files) {
  return kind === 'default' && !files.some(({ tests }) => tests.some(({ reached }) => holds(reached, id)));
}

function sampled(wantedMutants, files) {
  const rest = wantedMutants.filter((mutant) => !isIdle(mutant, files));
  if (rest.length < wantedMutants.length) {
    say(`${wantedMutants.length - rest.length} mutants left out: defaults of indexed reads that no test reaches`);
  }
  const { below } = randomFor(settings.seed, 0);
  const size = settings.count === 0 ? rest.length : Math.min(settings.count, rest.length);
  const chosen = [];
  while (chosen.length < size) chosen.push(...rest.splice(below(rest.length), 1));
  return chosen;
}

if (whole('BUILD', 1) !== 0) buildTrees(settings.jobs);
const sources = compiledFiles(FOLDERS.map((folder) => `src/${folder}`)).filter((file) => !file.includes('generated'));
const mutants = allMutants(sources);
const wanted = mutants.filter(({ file }) => file.startsWith(settings.only));
const isWanted = wanted.length > 0 ? () => true : holdsTwins;
const files = await survey(sources, mutants, isWanted, inJobs, say);
const chosen = sampled(wanted, files);
say(`${chosen.length} of ${mutants.length} mutants, seed ${settings.seed}`);
const hunt = hunter(files, settings);
const outcomes = [];
await inJobs(chosen, async (mutant, worker) => {
  const outcome = { ...mutant, ...(await hunt(mutant, worker)) };
  outcomes.push(outcome);
  say(`${outcomes.length}/${chosen.length} ${sentenceOf(outcome)}`);
});
const kernels = settings.kernels ? await killedKernels(files, kernelPrefix, inJobs, say) : [];
mkdirSync(BUILD, { recursive: true });
writeFileSync(`${BUILD}outcome.json`, JSON.stringify(outcomes, null, 1));
for (const line of [...survivorsText(outcomes), ...foldersTable(outcomes)]) say(line);
const survived = outcomes.filter(({ killed }) => !killed).length;
const total = outcomes.length + kernels.length;
const lost = survived + kernels.filter(({ killed }) => !killed).length;
say(
  `${total} mutants, ${total - lost} killed (${((100 * (total - lost)) / Math.max(1, total)).toFixed(1)} %), ${lost} survived`,
);
