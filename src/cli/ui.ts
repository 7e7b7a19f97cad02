/**
 * `iommu ui`: the page, on this machine alone.
 * @module
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../errors.ts';
import { UsageError } from './exit.ts';
import { print, say } from './io.ts';
import { unreadable } from './system-errors.ts';

const EXAMPLES = `Examples:
  iommu ui                                   the page, in the browser of this machine
  iommu ui dmesg.txt tables.jsonl.gz regs.json   with these files dropped into it
  iommu ui --no-open --port 8000             only the address, for a browser behind an SSH tunnel
`;

const LOOPBACK = '127.0.0.1';
const PAGE = new URL('../../dist/web/index.html', import.meta.url);

/** Sent with everything: nothing is stored, guessed, framed or told to another site. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
} as const;

/** The page with the names of the files that it is to fetch from this server, and the right to do so. */
function pageWith(files: readonly string[]): string {
  const html = readFileSync(PAGE, 'utf8');
  const names = JSON.stringify(files.map((file) => basename(file))).replaceAll('<', '\\u003c');
  return html
    .replace('connect-src data:', "connect-src 'self' data:")
    .replace('<div id="app">', () => `<script type="application/json" id="opened">${names}</script><div id="app">`);
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, HEADERS).end();
}

function sendFile(response: ServerResponse, file: string): void {
  const stream = createReadStream(file);
  stream.once('error', () => (response.headersSent ? response.destroy() : refuse(response, 404)));
  stream.once('open', () => {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'application/octet-stream' });
    stream.pipe(response);
  });
}

/** A name in `Host` that leads to this server only: another one is a site that points its name at this machine. */
function isOwnHost(request: IncomingMessage, port: number): boolean {
  const { host } = request.headers;
  return host === `${LOOPBACK}:${port}` || host === `localhost:${port}`;
}

/**
 * Serves the page on loopback, below a path that only the printed address names.
 * @param port - 0 for any free port
 * @throws InputError `UNREADABLE` for a file that cannot be read, before anything listens.
 */
export async function servePage(files: readonly string[], port: number): Promise<{ server: Server; address: string }> {
  for (const file of files) checkReadable(file);
  const token = randomBytes(16).toString('hex');
  const page = pageWith(files);
  const server = createServer((request, response) => {
    const { port: own } = server.address() as AddressInfo;
    const [, given, ...rest] = (request.url ?? '').split('/');
    const asked = isOwnHost(request, own) && given === token && request.method === 'GET' ? rest.join('/') : undefined;
    const file = files[Number(/^files\/(\d{1,4})$/.exec(asked ?? '')?.[1])];
    if (file !== undefined) sendFile(response, file);
    else if (asked !== '') refuse(response, 404);
    else response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/html; charset=utf-8' }).end(page);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
  return { server, address: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/${token}/` };
}

function checkReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
    if (statSync(file).isFile()) return;
  } catch (error) {
    throw unreadable(file, error);
  }
  throw new InputError('UNREADABLE', file, 'expected a file, got a folder or device');
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens the address in the user's browser; where that cannot be done, the printed address is enough. */
function openBrowser(address: string): void {
  const [program, ...first] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...first, address], { stdio: 'ignore', detached: true });
  child.once('error', () => say(`iommu: ${program} was not found: open the address in a browser`));
  child.unref();
}

interface Flags {
  readonly port: string;
  readonly open: boolean;
}

async function ui(files: readonly string[], flags: Flags): Promise<void> {
  const port = /^\d{1,5}$/.test(flags.port) ? Number(flags.port) : Number.NaN;
  if (!(port <= 65535)) throw new UsageError(`--port: expected a number from 0 to 65535, got ${flags.port}`);
  const { address } = await servePage(files, port).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new UsageError(`--port: expected a port that is free, got ${port}, which is in use`);
    }
    throw error;
  });
  print(address);
  say('serving the page to this machine only; Ctrl-C ends it');
  if (flags.open && process.stdout.isTTY) openBrowser(address);
}

/** Adds the verb. */
export function addUi(program: Command): void {
  program
    .command('ui')
    .description('Serve the page to this machine only, with files in it, and open it in a browser.')
    .argument('[file...]', 'logs, dumps, registers, traces, latency tables')
    .option('--port <n>', 'port on loopback; 0 is any free one', '0')
    .option('--no-open', 'print the address, and open no browser')
    .addHelpText('before', EXAMPLES)
    .action(ui);
}
