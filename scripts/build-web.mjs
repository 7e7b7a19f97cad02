// Builds the page: one HTML file with script, style and worker inside, and a content security policy that names them by hash.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

const ROOT = new URL('../web/', import.meta.url).pathname;
const OUT = new URL('../dist/web/', import.meta.url).pathname;

const result = await build({
  root: ROOT,
  configFile: false,
  logLevel: 'warn',
  plugins: [viteSingleFile()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  define: { 'process.env.NODE_ENV': '"production"' },
  worker: { format: 'iife' },
  build: { write: false, target: 'es2022', assetsInlineLimit: 1e8, modulePreload: false },
});

const page = [result]
  .flat()
  .flatMap(({ output }) => output)
  .find(({ fileName }) => fileName.endsWith('.html'));
const source = String(page.source);

/** Module scripts become one classic script at the end of the body, so that the page works from a file:// address. */
const scripts = [...source.matchAll(/<script type="module"[^>]*>([\s\S]*?)<\/script>/g)].map(([, body]) => body);
const styles = [...source.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map(([, body]) => body);
const script = `(()=>{${scripts.join('\n')}})();`;
const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const policy = [
  "default-src 'none'",
  // the decoder of zstd fetches its own WebAssembly from a data: address; nothing else can be reached
  'connect-src data:',
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  `style-src ${styles.map(hash).join(' ')}`,
  'worker-src blob:',
  'img-src data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const html = source
  .replace(/<script type="module"[^>]*>[\s\S]*?<\/script>/g, '')
  .replace(
    '<meta charset="utf-8" />',
    () => `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`,
  )
  .replace('</body>', () => `<script>${script}</script>\n  </body>`);

mkdirSync(OUT, { recursive: true });
writeFileSync(`${OUT}index.html`, html);
const packed = gzipSync(html).length;
console.log(`dist/web/index.html: ${html.length} bytes, ${packed} compressed`);
