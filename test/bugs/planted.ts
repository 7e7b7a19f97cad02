/**
 * The library with a bug in it: a source text is replaced, and what comes out is bundled and loaded beside the real one.
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'vite';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What the checks use of the write side, with the module of each. */
const WRITE_SIDE = { core: 'core/index', drivers: 'drivers/bare', formats: 'formats/index', memory: 'memory/index' };
const READ_SIDE = { hardware: 'hardware/index' };

/** The rooms that the checks use, of the real library or of one with a bug. */
export interface Rooms {
  readonly core: typeof import('../../src/core/index.ts');
  readonly drivers: typeof import('../../src/drivers/bare.ts');
  readonly formats: typeof import('../../src/formats/index.ts');
  readonly hardware: typeof import('../../src/hardware/index.ts');
  readonly memory: typeof import('../../src/memory/index.ts');
}

/** A replacement in one source: `from` must stand there exactly once. */
export interface Plant {
  readonly file: string;
  readonly from: string;
  readonly by: string;
}

const ENTRY = 'virtual:rooms';

/** Gives the entry module, and one source with the replacement. */
function planting(plant: Plant): Plugin {
  const modules = Object.entries(plant.file.startsWith('src/hardware/') ? READ_SIDE : WRITE_SIDE);
  let planted = false;
  return {
    name: 'planted bug',
    enforce: 'pre',
    resolveId: (id) => (id.endsWith(ENTRY) ? ENTRY : undefined),
    load: (id) => {
      if (id !== ENTRY) return undefined;
      return modules.map(([room, module]) => `export * as ${room} from '${ROOT}src/${module}.ts';`).join('\n');
    },
    transform(code, id) {
      if (id !== `${ROOT}${plant.file}`) return undefined;
      if (code.split(plant.from).length !== 2) throw new Error(`${plant.file}: expected once: ${plant.from}`);
      planted = true;
      return code.replace(plant.from, () => plant.by);
    },
    buildEnd() {
      if (!planted) this.error(`${plant.file} is in none of the modules`);
    },
  };
}

async function codeOf(plant: Plant): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root: ROOT,
    plugins: [planting(plant)],
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: ENTRY, formats: ['es'], fileName: 'rooms' },
      rolldownOptions: { treeshake: false },
    },
  });
  const [output] = [result].flat();
  if (output === undefined || !('output' in output)) throw new Error('nothing was bundled');
  return output.output[0].code;
}

/** The rooms of one side with a bug planted in one source of it. */
export async function roomsWith(plant: Plant): Promise<Partial<Rooms>> {
  const folder = mkdtempSync(join(tmpdir(), 'iommu-planted-'));
  try {
    const file = join(folder, 'rooms.mjs');
    writeFileSync(file, await codeOf(plant));
    return await import(/* @vite-ignore */ pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
