/**
 * A QEMU process without a guest, driven over its qtest socket: one command a line, one answer a line.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ATTEMPTS = 200;
const PAUSE_MS = 25;
/** Bytes of memory written by one command. */
const CHUNK = 1 << 19;

/** The emulator ended, or said that it does not know a command. */
export class EmulatorError extends Error {}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function connected(path: string, child: ChildProcess): Promise<Socket> {
  for (let i = 0; i < ATTEMPTS && child.exitCode === null; i++) {
    const socket = await new Promise<Socket | undefined>((resolve) => {
      const attempt = connect(path, () => resolve(attempt));
      attempt.once('error', () => resolve(undefined));
    });
    if (socket !== undefined) return socket;
    await pause(PAUSE_MS);
  }
  throw new EmulatorError(`the emulator did not open its socket (exit status ${child.exitCode})`);
}

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/** One emulator. Commands may be sent without waiting; answers come in order. */
export class Qtest {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #folder: string;
  readonly #waiting: Waiting[] = [];
  readonly #kill: () => void;
  #rest = '';
  #pending = '';

  private constructor(child: ChildProcess, socket: Socket, folder: string) {
    this.#child = child;
    this.#socket = socket;
    this.#folder = folder;
    this.#kill = () => child.kill('SIGKILL');
    process.once('exit', this.#kill);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => this.#fail());
    child.once('exit', () => this.#fail());
  }

  /**
   * Starts an emulator. `firmware` becomes a file that is gone when the emulator is; `args` gets its name.
   * @throws EmulatorError where it does not start.
   */
  static async start(program: string, firmware: Uint8Array, args: (file: string) => readonly string[]): Promise<Qtest> {
    const folder = mkdtempSync(join(tmpdir(), 'iommu-judge-'));
    const file = join(folder, 'firmware.bin');
    writeFileSync(file, firmware);
    const path = join(folder, 'qtest');
    const qtest = ['-qtest', `unix:${path},server=on,wait=off`, '-qtest-log', '/dev/null'];
    const child = spawn(program, [...args(file), ...qtest], { stdio: ['ignore', 'ignore', 'ignore'] });
    try {
      return new Qtest(child, await connected(path, child), folder);
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Sends one command; gives what stands behind `OK`. */
  send(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        reject(new EmulatorError('the emulator has ended'));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#write(`${command}\n`);
    });
  }

  /** Commands of one turn leave together. */
  #write(line: string): void {
    if (this.#pending === '') queueMicrotask(() => this.#flush());
    this.#pending += line;
  }

  #flush(): void {
    const text = this.#pending;
    this.#pending = '';
    this.#socket.write(text);
  }

  async read32(address: number): Promise<number> {
    return Number(await this.send(`readl 0x${address.toString(16)}`));
  }

  async read64(address: number): Promise<bigint> {
    return BigInt(await this.send(`readq 0x${address.toString(16)}`));
  }

  /** An event or fault record of 32 bytes, as words. */
  async readRecord(address: number): Promise<Uint32Array> {
    const read = [0, 8, 16, 24].map((at) => this.read64(address + at));
    return new Uint32Array(BigUint64Array.from(await Promise.all(read)).buffer);
  }

  async write32(address: number, value: number): Promise<void> {
    await this.send(`writel 0x${address.toString(16)} 0x${(value >>> 0).toString(16)}`);
  }

  async write64(address: number, value: bigint | number): Promise<void> {
    await this.send(`writeq 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  /** Writes memory in large pieces. */
  async write(address: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const piece = Buffer.from(bytes.subarray(at, at + CHUNK));
      await this.send(
        `b64write 0x${(address + at).toString(16)} 0x${piece.length.toString(16)} ${piece.toString('base64')}`,
      );
    }
  }

  /** Ends the process and waits until it is gone. */
  async stop(): Promise<void> {
    process.removeListener('exit', this.#kill);
    const gone = this.#child.exitCode === null && this.#child.signalCode === null;
    const exit = gone ? new Promise<void>((resolve) => this.#child.once('exit', () => resolve())) : undefined;
    this.#child.kill('SIGKILL');
    this.#socket.destroy();
    await exit;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (!line.startsWith('IRQ')) this.#answer(line);
  }

  #answer(line: string): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    if (line.startsWith('OK')) waiting.resolve(line.slice(3));
    else waiting.reject(new EmulatorError(line));
  }

  #fail(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new EmulatorError('the emulator has ended'));
  }
}
