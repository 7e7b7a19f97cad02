// What is printed of mutants: where each stands in the TypeScript sources, the line before and after, and the sums.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { textOf, treeOf } from './build.mjs';
import { applied } from './operators.mjs';

/** Reasons of survivors that change nothing which a caller or a device could see: file, line before, line after, reason. */
const EQUIVALENT = JSON.parse(readFileSync(new URL('equivalent.json', import.meta.url), 'utf8'));
const maps = new Map();

function mapOf(file) {
  if (!maps.has(file)) maps.set(file, new SourceMap(JSON.parse(readFileSync(`${treeOf(0)}${file}.map`, 'utf8'))));
  return maps.get(file);
}

/** `src/room/file.ts:line` of a mutant. */
function placeOf({ file, start }) {
  const before = textOf(file).slice(0, start).split('\n');
  const { originalLine } = mapOf(file).findEntry(before.length - 1, before.at(-1).length);
  return `${file.replace(/\.js$/, '.ts')}:${(originalLine ?? 0) + 1}`;
}

/** The line of a mutant as it was and as it is, without indentation. */
export function linesOf(mutant) {
  const text = textOf(mutant.file);
  const from = text.lastIndexOf('\n', mutant.start - 1) + 1;
  const lineOf = (all, at) => all.slice(from, (all.indexOf('\n', at) + 1 || all.length + 1) - 1).trim();
  const after = lineOf(applied(text, mutant), mutant.start + mutant.by.length);
  return [lineOf(text, mutant.end).replace(/\s+/g, ' '), after.replace(/\s+/g, ' ')];
}

/** The reason for which a mutant changes nothing, if it is known to. */
export function reasonOf(mutant) {
  const [before, after] = linesOf(mutant);
  const file = mutant.file.replace(/\.js$/, '.ts');
  return EQUIVALENT.find((each) => each.file === file && each.before === before && each.after === after)?.reason;
}

/** One line about a mutant and what became of it. */
export function sentenceOf(outcome) {
  const [before, after] = linesOf(outcome);
  const change = `${placeOf(outcome)}: ${before}  =>  ${after}`;
  if (outcome.killed) return `killed    ${change}  [${outcome.killer}: ${outcome.why.slice(0, 80)}]`;
  return `SURVIVED  ${change}  [${outcome.tests} of ${outcome.of} tests that reach it]`;
}

/** The survivors, each with its reason. */
export function survivorsText(outcomes) {
  const survivors = outcomes.filter(({ killed }) => !killed).sort((a, b) => a.id - b.id);
  return survivors.flatMap((each) => [
    sentenceOf(each),
    `          ${reasonOf(each) ?? 'no reason known: a test is missing'}`,
  ]);
}

/** A line for each folder: mutants, killed, survived, and how many of those are known to change nothing. */
export function foldersTable(outcomes) {
  const folders = new Map();
  for (const each of outcomes) {
    const folder = each.file.split('/').slice(0, 2).join('/');
    folders.set(folder, [...(folders.get(folder) ?? []), each]);
  }
  const line = ([folder, list]) => {
    const survivors = list.filter(({ killed }) => !killed);
    const killed = list.length - survivors.length;
    const equivalent = survivors.filter((each) => reasonOf(each) !== undefined).length;
    const share = ((100 * killed) / list.length).toFixed(1);
    return `${folder.padEnd(14)} ${list.length} mutants, ${killed} killed (${share} %), ${survivors.length} survived, ${equivalent} of them change nothing`;
  };
  return [...folders].sort().map(line);
}
