// Writes the import rules of the rooms into biome.json, from the one table below.
// `node scripts/rooms.mjs && npm run format` rewrites it; `node scripts/rooms.mjs --check` fails if it is out of date.
import { readFileSync, writeFileSync } from 'node:fs';

/** Room → rooms it may import; cli is open to none. `address.ts`, `errors.ts`, `bus.ts` and `wasm.ts` are open to all. */
const ROOMS = {
  memory: [],
  meter: [],
  formats: [],
  pagetable: ['formats', 'memory', 'meter'],
  drivers: ['formats', 'pagetable', 'memory', 'meter'],
  core: ['drivers', 'pagetable', 'formats', 'memory', 'meter'],
  dma: ['core', 'drivers', 'formats', 'memory', 'meter'],
  hardware: [],
  device: ['hardware'],
  dump: ['hardware', 'memory'],
  trace: [],
  cost: ['meter'],
  replay: ['trace', 'core', 'dma', 'drivers', 'device', 'formats', 'cost', 'memory', 'meter'],
  explain: ['trace', 'cost'],
  conform: ['core', 'dma', 'drivers', 'device', 'hardware', 'pagetable', 'formats', 'memory', 'meter'],
  testing: ['core', 'drivers', 'pagetable', 'formats', 'memory', 'meter'],
  bench: ['core', 'device', 'dma', 'formats', 'hardware', 'memory', 'meter'],
  fault: ['hardware', 'dump', 'trace'],
  machine: ['hardware', 'fault', 'record'],
  watch: ['trace', 'fault', 'report'],
  gen: ['core', 'dump', 'formats', 'memory', 'pagetable'],
  record: ['report'],
  acquire: [],
  manual: ['report'],
  interleave: [],
  report: [],
  answers: 'every other room',
};

/** Rooms of which other rooms (but `cli`) may import these files only: the shapes, not the renderers. */
const GIVES = {
  report: [
    'answer.ts',
    'table.ts',
    'tree.ts',
    'chart.ts',
    'number.ts',
    'perfetto.ts',
    'describe/*.ts',
    'shell-words.ts',
  ],
};

/** What a room may not import of another one: nothing of it, or all but what that one gives. */
function forbiddenOf(room, other, allowed) {
  if (other === room) return [];
  const gives = GIVES[other];
  if (!allowed.includes(other)) return [`**/${other}/**`];
  return gives === undefined ? [] : [`**/${other}/**`, ...gives.map((file) => `!**/${other}/${file}`)];
}

const FILE = new URL('../biome.json', import.meta.url);

function override(room, row) {
  const allowed = row === 'every other room' ? Object.keys(ROOMS) : row;
  const forbidden = [...Object.keys(ROOMS), 'cli'].flatMap((other) => forbiddenOf(room, other, allowed));
  const group = [...forbidden, 'node:*', '**/index.ts'];
  const message = `src/${room} may import only: ${typeof row === 'string' ? row : row.join(', ') || 'no other room'} (docs/architecture.md)`;
  return {
    includes: [`src/${room}/**`],
    linter: {
      rules: {
        style: { noRestrictedImports: { level: 'error', options: { patterns: [{ group, message }] } } },
      },
    },
  };
}

/** The page: every room below, but neither the program nor Node's own modules. */
const PAGE = {
  includes: ['web/**'],
  linter: {
    rules: {
      style: {
        noRestrictedImports: {
          level: 'error',
          options: {
            patterns: [
              { group: ['**/cli/**', 'node:*', '**/src/**/index.ts'], message: 'web may not import cli or node:*' },
            ],
          },
        },
      },
    },
  },
};

const text = readFileSync(FILE, 'utf8');
const config = JSON.parse(text);
const isOurs = (glob) => glob === 'web/**' || /^src\/[a-z-]+\/\*\*$/.test(glob);
const others = (config.overrides ?? []).filter((o) => !o.includes.some(isOurs));
config.overrides = [...others, ...Object.entries(ROOMS).map(([room, allowed]) => override(room, allowed)), PAGE];
const next = `${JSON.stringify(config, null, 2)}\n`;
if (process.argv.includes('--check')) {
  if (JSON.stringify(JSON.parse(text)) !== JSON.stringify(config)) {
    console.error('biome.json is out of date with scripts/rooms.mjs: run node scripts/rooms.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(FILE, next);
}
