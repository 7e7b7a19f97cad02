// The sources and tests as JavaScript under build/mutate, one copy for each worker, since a mutant is written into it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const BUILD = `${ROOT}build/mutate/`;

/** The copy of a worker. */
export function treeOf(worker) {
  return `${BUILD}${worker}/`;
}

function hasSource(folder) {
  return readdirSync(folder, { recursive: true }).some((name) => name.endsWith('.ts'));
}

/** Links fixtures beside the compiled tests, which look for them there. */
function linkFixtures(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory() && hasSource(source)) linkFixtures(source, target);
    else if (!entry.name.endsWith('.ts')) symlinkSync(source, target);
  }
}

function giveStandIn(tree) {
  const folder = `${tree}node_modules/vitest`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{ "type": "module", "exports": "./index.js" }');
  writeFileSync(`${folder}/index.js`, `export * from '${new URL('stand-in.mjs', import.meta.url)}';\n`);
}

/** Compiles everything, and copies it for each worker. */
export function buildTrees(workers) {
  rmSync(treeOf(0), { recursive: true, force: true });
  const config = fileURLToPath(new URL('tsconfig.json', import.meta.url));
  const { status, stdout } = spawnSync(`${ROOT}node_modules/.bin/tsc`, ['-p', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
  linkFixtures(`${ROOT}test`, `${treeOf(0)}test`);
  for (const folder of ['data', 'schemas']) symlinkSync(`${ROOT}${folder}`, `${treeOf(0)}${folder}`);
  giveStandIn(treeOf(0));
  for (let worker = 1; worker < workers; worker++) {
    rmSync(treeOf(worker), { recursive: true, force: true });
    cpSync(treeOf(0), treeOf(worker), { recursive: true, verbatimSymlinks: true });
  }
}

/** Compiled files below some folders of the first copy, as paths within it. */
export function compiledFiles(folders) {
  const below = (folder) =>
    readdirSync(`${treeOf(0)}${folder}`, { recursive: true })
      .filter((name) => name.endsWith('.js'))
      .map((name) => `${folder}/${name}`);
  return folders.flatMap(below).sort();
}

const texts = new Map();

/** The text of a compiled file as it was when it was first asked for, before a mutant stood in it. */
export function textOf(file) {
  if (!texts.has(file)) texts.set(file, readFileSync(`${treeOf(0)}${file}`, 'utf8'));
  return texts.get(file);
}

export function hashOf(texts) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text).update('\0');
  return hash.digest('hex');
}
