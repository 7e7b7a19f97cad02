/**
 * Where a machine's files come from: the running system, a folder, or an archive.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readStart, startingWith } from '../../answers/explain/start.ts';
import { emptyInput, InputError } from '../../errors.ts';
import { type FileRead, type MachineFiles, MemoryFiles, withFiles } from '../../machine/files/files.ts';
import { isRead } from '../../machine/files/subjects.ts';
import { isTar, TarReader } from '../../machine/files/tar.ts';
import { readChunks } from '../io.ts';
import { folderFiles } from './folder.ts';

const MOST_LOG = 64 << 20;
const MOST_CONFIG = 4 << 20;
const BLOCK = 512;

/** What a command prints; undefined where it fails or prints nothing. */
function printed(program: string, args: readonly string[]): Uint8Array | undefined {
  const { status, stdout } = spawnSync(program, args, { maxBuffer: MOST_LOG, stdio: ['ignore', 'pipe', 'ignore'] });
  return status === 0 && stdout !== null && stdout.length > 0 ? stdout : undefined;
}

function kernelLog(): FileRead {
  const bytes = printed('dmesg', []) ?? printed('journalctl', ['-k', '-b', '-o', 'short-monotonic', '--no-pager']);
  if (bytes !== undefined) return { state: 'read', bytes };
  return {
    state: 'refused',
    why: 'neither dmesg nor journalctl -k printed anything: only root may read the log here, or it is empty',
  };
}

/** The kernel's configuration, where it carries it. */
function ownConfig(): FileRead {
  try {
    return { state: 'read', bytes: gunzipSync(readFileSync('/proc/config.gz'), { maxOutputLength: MOST_CONFIG }) };
  } catch {
    return { state: 'missing' };
  }
}

/** The files of the running system, its log among them. @throws InputError `UNSUPPORTED_INPUT` elsewhere than on Linux. */
function liveFiles(platform: string = process.platform): MachineFiles {
  if (platform !== 'linux') {
    throw new InputError(
      'UNSUPPORTED_INPUT',
      platform,
      `expected Linux, or the folder or archive of a Linux machine, got ${platform}`,
    );
  }
  const more = new Map([
    ['dmesg', kernelLog()],
    ['proc/config', ownConfig()],
  ]);
  return withFiles(folderFiles('/', true), more);
}

const EXPECTED = 'a folder, or a tar archive, plain or packed by gzip, xz or zstd';

/** The files of an archive that are read. @throws InputError */
async function archiveFiles(path: string): Promise<MachineFiles> {
  const chunks = readChunks(path);
  const start = await readStart(chunks, BLOCK);
  if (start.length === 0) throw emptyInput('NOT_RECOGNISED', path, EXPECTED);
  if (!isTar(start)) throw new InputError('NOT_RECOGNISED', path, `expected ${EXPECTED}, got another file`);
  const reader = new TarReader(path, isRead);
  for await (const chunk of startingWith(start, chunks)) {
    reader.push(chunk);
    if (reader.ended) break;
  }
  reader.end();
  return new MemoryFiles(path, reader.files, new Map(reader.tooLong.map((name) => [name, 'too long to be read'])));
}

/**
 * A machine's files: of the running system without a path.
 * @throws InputError `UNREADABLE`, `NOT_RECOGNISED`, `MALFORMED`, `TRUNCATED`, `TOO_LARGE`.
 */
export async function machineFilesAt(path: string | undefined): Promise<MachineFiles> {
  if (path === undefined) return liveFiles();
  const isFolder = path !== '-' && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? folderFiles(path, false) : await archiveFiles(path);
}
