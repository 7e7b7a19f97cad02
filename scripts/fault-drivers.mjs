// Writes docs/fault-drivers.md from the registry of fault drivers (dist/fault/registry.js, so build first).
// `node scripts/fault-drivers.mjs` rewrites it; `--check` fails if it is out of date.
import { readFileSync, writeFileSync } from 'node:fs';

const { driversPage } = await import(new URL('../dist/fault/page.js', import.meta.url));
const file = new URL('../docs/fault-drivers.md', import.meta.url);
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== driversPage()) {
    console.error('docs/fault-drivers.md is out of date: run node scripts/fault-drivers.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(file, driversPage());
}
