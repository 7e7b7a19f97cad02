// `npm run interleave`: all interleavings of the small scenarios, then random schedules of the large ones.
//   SCHEDULES=20000 how many random ones (default 2000); SEED=1 the seed of the first; SCENARIO=queue-full that one only;
//   BUG=name puts a defect in and ends when it is found (BUG=all: each in turn); SCHEDULE=0,1,1 runs that schedule again.
//   A broken rule prints its interleaving and the command that repeats it, and the status is 1.
import { BUGS, replay, runRandom, SCENARIOS, searchAll } from '../dist/interleave/index.js';
import { randomFor } from './fuzz/random.mjs';

const { env } = process;
const LONGEST_TRACE = 60;

function fail(text) {
  console.error(text);
  process.exit(2);
}

function whole(name, usual) {
  const text = env[name] ?? String(usual);
  return /^\d{1,9}$/.test(text) ? Number(text) : fail(`${name}: expected a whole number, got '${text}'`);
}

function known(name, names, text) {
  return names.includes(text) ? text : fail(`${name}: expected one of ${names.join(', ')}, got '${text}'`);
}

function scenarioNamed(name) {
  return SCENARIOS.find((scenario) => scenario.name === name);
}

function sourceOf(seed) {
  const { next } = randomFor(seed, 0);
  return () => next() / 2 ** 32;
}

function command(settings) {
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  return `${set.map(([name, value]) => `${name}=${value}`).join(' ')} npm run interleave`;
}

/** Prints a broken rule; of a long interleaving the end only. */
function show(scenario, bug, { rule, schedule }, again) {
  const { lines } = replay(scenario.make(bug), schedule);
  const left = lines.length - LONGEST_TRACE;
  console.log(`${scenario.name}${bug === undefined ? '' : ` with ${bug}`}: ${rule}`);
  if (left > 0) console.log(`  … ${left} steps before these`);
  console.log(lines.slice(-LONGEST_TRACE).join('\n'));
  console.log(`  again: ${command({ SCENARIO: scenario.name, BUG: bug, ...again })}`);
}

/** Searches all interleavings. Gives whether a rule was broken. */
function search(scenario, bug) {
  const found = searchAll(scenario.make(bug));
  const count =
    found.schedules === null ? 'endless schedules' : `${Number(found.schedules).toExponential(1)} schedules`;
  const all = found.complete ? `all (${count})` : found.violation === undefined ? 'given up' : 'ended';
  console.log(`${scenario.name.padEnd(24)} ${found.states} states, ${found.steps} steps, ${all}`);
  if (found.violation === undefined) return !found.complete;
  show(scenario, bug, found.violation, { SCHEDULE: found.violation.schedule.join(',') });
  return true;
}

/** Runs random schedules until one breaks a rule. Gives how many ran and whether one did. */
function tryRandom(scenario, bug, first, count) {
  let steps = 0;
  for (let seed = first; seed < first + count; seed++) {
    const run = runRandom(scenario.make(bug), sourceOf(seed));
    steps += run.steps;
    if (run.violation !== undefined) {
      show(scenario, bug, run.violation, { SEED: seed, SCHEDULES: 1 });
      return { ran: seed - first + 1, broken: 1 };
    }
  }
  console.log(`${scenario.name.padEnd(24)} ${count} random schedules from seed ${first}, ${steps} steps`);
  return { ran: count, broken: 0 };
}

/** Searches the small scenarios and runs the large ones. */
function sweep(scenarios, bug) {
  const seed = whole('SEED', 1);
  const schedules = whole('SCHEDULES', 2000);
  const large = scenarios.filter(({ size }) => size === 'large');
  let ran = 0;
  let broken = 0;
  for (const scenario of scenarios.filter(({ size }) => size === 'small')) broken += Number(search(scenario, bug));
  for (const [i, scenario] of large.entries()) {
    const share = Math.floor((schedules * (i + 1)) / large.length) - Math.floor((schedules * i) / large.length);
    const result = tryRandom(scenario, bug, seed, share);
    ran += result.ran;
    broken += result.broken;
  }
  return { ran, broken };
}

/** Looks for a defect where it is met soonest, in a small and in a large scenario. */
function hunt(bug) {
  const { about, source, scenario, large } = BUGS[bug];
  console.log(`\n${bug}: ${about}${source === undefined ? '' : ` (${source})`}`);
  return sweep([scenarioNamed(scenario), scenarioNamed(large)], bug);
}

function ruleOf(scenario, schedule) {
  try {
    return replay(scenario, schedule).rule;
  } catch (error) {
    return fail(error.message);
  }
}

function repeat(scenario, bug) {
  if (!/^\d+(,\d+)*$/.test(env.SCHEDULE))
    fail(`SCHEDULE: expected numbers with commas between them, got '${env.SCHEDULE}'`);
  const schedule = env.SCHEDULE.split(',').map(Number);
  const rule = ruleOf(scenario.make(bug), schedule);
  if (rule !== undefined) show(scenario, bug, { rule, schedule }, { SCHEDULE: env.SCHEDULE });
  return { ran: 1, broken: Number(rule !== undefined) };
}

function results() {
  const bugs = Object.keys(BUGS);
  const bug = env.BUG === undefined ? undefined : known('BUG', [...bugs, 'all'], env.BUG);
  if (env.SCENARIO !== undefined) {
    known(
      'SCENARIO',
      SCENARIOS.map(({ name }) => name),
      env.SCENARIO,
    );
    const scenario = scenarioNamed(env.SCENARIO);
    if (bug === 'all') fail('BUG: expected one defect with SCENARIO, got all');
    return [env.SCHEDULE === undefined ? sweep([scenario], bug) : repeat(scenario, bug)];
  }
  if (env.SCHEDULE !== undefined) fail('SCENARIO: expected a name with SCHEDULE, got none');
  if (bug === undefined) return [sweep(SCENARIOS)];
  return (bug === 'all' ? bugs : [bug]).map(hunt);
}

const all = results();
const ran = all.reduce((sum, one) => sum + one.ran, 0);
const broken = all.reduce((sum, one) => sum + one.broken, 0);
console.log(`${ran} schedules, ${broken} violations`);
process.exitCode = broken > 0 ? 1 : 0;
