// Joins the modules of the program into few files: to load hundreds of small ones takes longer than most answers.
// Libraries stay outside: npm installs them beside the package.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const CLI = fileURLToPath(new URL('../dist/cli', import.meta.url));
const JOINED = fileURLToPath(new URL('../build/cli', import.meta.url));
/** What is started: the program, and its threads by their own names. */
const STARTED = ['main', 'reading-worker', 'rows-worker'];

await build({
  root: CLI,
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  build: {
    ssr: true,
    outDir: JOINED,
    emptyOutDir: true,
    target: 'node20',
    rolldownOptions: {
      input: Object.fromEntries(STARTED.map((name) => [name, join(CLI, `${name}.js`)])),
      output: { format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
    },
  },
});
rmSync(CLI, { recursive: true });
renameSync(JOINED, CLI);
