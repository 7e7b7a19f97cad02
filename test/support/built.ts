/**
 * The program as it is built, for tests that run it in a process of its own.
 * @module
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of a built program. @throws Error where it is not built, which a process that waits for it would not tell. */
export function builtProgram(path: string): string {
  if (existsSync(path)) return path;
  throw new Error(`${path}: expected the built program, got nothing: run npm run build first`);
}

/** `iommu`. */
export const MAIN: string = builtProgram(fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)));
