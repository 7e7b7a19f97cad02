/**
 * The project's own files, for tests about them.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

/** Files below a folder of the project whose names end so, or the file itself. */
export function filesIn(path: string, ending: RegExp): string[] {
  if (!existsSync(`${ROOT}${path}`)) return [];
  if (ending.test(path)) return [path];
  const names = readdirSync(`${ROOT}${path}`, { recursive: true }).map((name) => String(name).replaceAll('\\', '/'));
  return names.filter((name) => ending.test(name) && !name.includes('.generated.')).map((name) => `${path}/${name}`);
}

/** The project's folder. */
export const PROJECT: string = ROOT;
