/**
 * The files of a drop; those of a dropped folder too, as `iommu record` and `iommu acquire` write one.
 * @module
 */

/** Files that are taken of a folder. */
const MOST_FILES = 256;

/** A dropped folder: what lies in it by name. */
interface Folder {
  readonly name: string;
  readonly files: () => Promise<File[]>;
}

function readEntries(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolderEntry(entry: FileSystemEntry | null): entry is FileSystemDirectoryEntry {
  return entry?.isDirectory === true;
}

/** Folders within a folder are passed over. A reader gives its entries in several portions. */
async function filesOfEntry(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const entries: FileSystemEntry[] = [];
  for (let part = await readEntries(reader); part.length > 0; part = await readEntries(reader)) {
    entries.push(...part);
    if (entries.length >= MOST_FILES) break;
  }
  const files = entries.filter(isFileEntry).slice(0, MOST_FILES);
  return await Promise.all(files.map((entry) => new Promise<File>((resolve, reject) => entry.file(resolve, reject))));
}

/** A handle of the File System API. */
interface FolderHandle {
  readonly kind: 'directory';
  readonly name: string;
  readonly values: () => AsyncIterable<FolderHandle | FileSystemFileHandle>;
}

async function filesOfHandle(folder: FolderHandle): Promise<File[]> {
  const files: File[] = [];
  for await (const one of folder.values()) {
    if (one.kind === 'file') files.push(await one.getFile());
    if (files.length >= MOST_FILES) break;
  }
  return files;
}

interface WithHandle {
  readonly getAsFileSystemHandle?: () => Promise<FolderHandle | FileSystemFileHandle | null>;
}

/**
 * The folder of an item, if it is one. Browsers that have handles refuse to read the older entries in a page that was opened from
 * its file.
 */
async function folderOf(item: DataTransferItem & WithHandle): Promise<Folder | undefined> {
  const entry = item.webkitGetAsEntry();
  const handle = item.getAsFileSystemHandle?.();
  if (!isFolderEntry(entry)) return undefined;
  const opened = await handle;
  return opened?.kind === 'directory'
    ? { name: entry.name, files: () => filesOfHandle(opened) }
    : { name: entry.name, files: () => filesOfEntry(entry) };
}

/** Reads what was dropped. */
export async function filesOfDrop({ items, files }: DataTransfer): Promise<readonly File[]> {
  const plain = [...files];
  const asked = [...items].map(folderOf);
  const folders = (await Promise.all(asked)).filter((folder) => folder !== undefined);
  const names = new Set(folders.map(({ name }) => name));
  const inFolders = (await Promise.all(folders.map((folder) => folder.files()))).flat();
  inFolders.sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...plain.filter(({ name }) => !names.has(name)), ...inFolders];
}
