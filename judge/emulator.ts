/**
 * Emulators on this machine: those of the folder IOMMU_EMULATORS before those of PATH.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** An emulator that can be started. */
export interface Emulator {
  readonly program: string;
  /** As it calls itself: `7.2.22`. */
  readonly version: string;
  /** First number of the version. */
  readonly major: number;
}

function emulatorAt(program: string): Emulator | undefined {
  const { stdout, status } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const version = status === 0 ? /version (\d[\w.]*)/.exec(stdout)?.[1] : undefined;
  return version === undefined ? undefined : { program, version, major: Number.parseInt(version, 10) };
}

/** The emulator of a name (`qemu-system-x86_64`), or undefined where the machine has none. */
function findEmulator(name: string): Emulator | undefined {
  const folder = process.env['IOMMU_EMULATORS'];
  return (folder === undefined ? undefined : emulatorAt(join(folder, name))) ?? emulatorAt(name);
}

/** The emulator that judges a unit, or in words why there is none. */
export function emulatorOf({
  program,
  since,
}: {
  readonly program: string;
  readonly since: number;
}): Emulator | string {
  const found = findEmulator(program);
  if (found === undefined) return `${program} is not installed`;
  return found.major >= since ? found : `${program} ${found.version} does not have it, ${since}.0 does`;
}
