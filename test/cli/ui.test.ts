import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { servePage } from '../../src/cli/ui.ts';

const LOG = new URL('../captures/arm64-smmuv3-612-blk-strict/dmesg.txt', import.meta.url).pathname;

let stop: (() => void) | undefined;

async function serve(files: readonly string[] = []): Promise<URL> {
  const { server, address } = await servePage(files, 0);
  stop = () => server.close();
  return new URL(address);
}

interface Got {
  readonly status: number;
  readonly body: string;
}

function get(url: URL, path: string, host = url.host): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ hostname: url.hostname, port: url.port, path, headers: { Host: host } }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

afterEach(() => stop?.());

test('the page is served on loopback, below the random part of the address only', async () => {
  const url = await serve();
  expect(url.hostname).toBe('127.0.0.1');
  expect(url.pathname).toMatch(/^\/[0-9a-f]{32}\/$/);
  expect((await get(url, url.pathname)).body).toContain('<div id="app">');
  const other = url.pathname.replace(/.\/$/, (end) => (end === '0/' ? '1/' : '0/'));
  for (const path of ['/', '/files/0', other, `${url.pathname}../package.json`]) {
    expect((await get(url, path)).status, path).toBe(404);
  }
});

test('a name of another site that leads to this machine is refused', async () => {
  const url = await serve();
  expect((await get(url, url.pathname, `example.com:${url.port}`)).status).toBe(404);
});

test('files are served by number, and the page may fetch them and nothing else', async () => {
  const url = await serve([LOG]);
  const page = await get(url, url.pathname);
  expect(page.body).toContain('<script type="application/json" id="opened">["dmesg.txt"]</script>');
  expect(page.body).toContain("default-src 'none'; connect-src 'self'");
  expect((await get(url, `${url.pathname}files/0`)).body).toContain('Linux version');
  expect((await get(url, `${url.pathname}files/1`)).status).toBe(404);
});

test('a file that cannot be read is refused before anything listens', async () => {
  await expect(servePage(['/nowhere/at/all'], 0)).rejects.toThrow('/nowhere/at/all');
});
