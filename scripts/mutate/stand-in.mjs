// What a worker gives the tests in place of vitest: tests are gathered by name, so that a mutant meets only those that
// reach it, in the order in which they are most likely to find it.
import * as matchers from '@vitest/expect';
import * as chai from 'chai';
import fc from 'fast-check';

/** Random histories are the same for every mutant, and the first failure is enough. */
fc.configureGlobal({ seed: 20, endOnFailure: true, numRuns: 20 });

chai.use(matchers.JestExtend);
chai.use(matchers.JestChaiExpect);
chai.use(matchers.JestAsymmetricMatchers);

export const expect = Object.assign(
  (value, message) => chai.expect(value, message),
  chai.expect,
  globalThis[matchers.ASYMMETRIC_MATCHERS_OBJECT],
);
matchers.setState({ expand: false }, expect);
globalThis[matchers.GLOBAL_EXPECT] = expect;

/** The suite whose body runs, from the outermost one in. */
let scope = { name: '', parent: undefined, before: [], beforeEach: [], after: [], prepared: false };
const found = new Map();
const waiting = [];

function add(title, run) {
  const plain = scope.name === '' ? title : `${scope.name} > ${title}`;
  let name = plain;
  for (let n = 2; found.has(name); n++) name = `${plain} (${n})`;
  found.set(name, { name, run, scope });
}

const bodyOf = (args) => args.find((arg) => typeof arg === 'function');
const argumentsOf = (row) => (Array.isArray(row) ? row : [row]);

function each(register) {
  return (rows) =>
    (title, ...args) => {
      const body = bodyOf(args);
      for (const [i, row] of [...rows].entries()) register(`${title} #${i}`, () => body(...argumentsOf(row)));
    };
}

function suite(title, ...args) {
  const outer = scope;
  const name = outer.name === '' ? String(title) : `${outer.name} > ${String(title)}`;
  scope = { name, parent: outer, before: [], beforeEach: [], after: [], prepared: false };
  const result = bodyOf(args)();
  scope = outer;
  if (result instanceof Promise) waiting.push(result);
}

const nothing = () => {};
export const test = Object.assign((title, ...args) => add(title, bodyOf(args)), {
  each: each(add),
  skip: nothing,
  skipIf: (skip) => (skip ? nothing : test),
});
export const it = test;
export const describe = Object.assign(suite, { each: each(suite), skip: nothing });
export const beforeAll = (run) => void scope.before.push(run);
export const beforeEach = (run) => void scope.beforeEach.push(run);
export const afterAll = (run) => void scope.after.push(run);

/** Imports a test file. Gives its tests by name. */
export async function testsOf(url) {
  found.clear();
  scope = { name: '', parent: undefined, before: [], beforeEach: [], after: [], prepared: false };
  await import(url);
  await Promise.all(waiting);
  return new Map(found);
}

async function prepare(each) {
  if (each === undefined) return;
  await prepare(each.parent);
  const first = !each.prepared;
  each.prepared = true;
  for (const run of first ? each.before : []) await run();
  for (const run of each.beforeEach) await run();
}

/** Runs one test with what its suites do before it. Throws what the test throws. */
export async function runTest({ run, scope: own }) {
  await prepare(own);
  await run();
}
