import { describe, expect, test } from 'vitest';
import { type MemoryFile, MemoryFiles } from '../../src/machine/files/files.ts';
import { readDeviceTree, type TreeFiles } from '../../src/machine/firmware/device-tree.ts';

function cells(...values: readonly number[]): MemoryFile {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value);
  return { bytes: new Uint8Array(view.buffer) };
}

const SMMU: readonly [string, MemoryFile][] = [
  ['t/smmu/#iommu-cells', cells(1)],
  ['t/smmu/phandle', cells(7)],
];

/** A device tree in memory, and how often each of its files was read. */
function tree(...more: readonly [string, MemoryFile][]): { files: TreeFiles; reads: Map<string, number> } {
  const memory = new MemoryFiles('made', new Map([...SMMU, ...more]));
  const reads = new Map<string, number>();
  const files: TreeFiles = {
    names: (folder) => memory.list(folder),
    isLink: (path) => memory.link(path) !== null,
    bytes: (path) => {
      reads.set(path, (reads.get(path) ?? 0) + 1);
      const read = memory.read(path);
      return read.state === 'read' ? read.bytes : undefined;
    },
  };
  return { files, reads };
}

describe('a device tree made to do harm', () => {
  test('links below the root are not followed, so that none leads in a circle', () => {
    const links = [...'abcdefgh'].map((name): [string, MemoryFile] => [`t/${name}`, { link: '.' }]);
    const read = readDeviceTree(tree(...links).files, 't');
    expect(read?.units.map(({ path }) => path)).toEqual(['/smmu']);
    expect(read?.problems).toEqual([]);
  });

  test('each property is read once, however many references it holds', () => {
    const { files, reads } = tree(
      ['t/device/iommus', cells(...Array.from({ length: 2000 }, () => 7))],
      ['t/pci/iommu-map', cells(...Array.from({ length: 1000 }, (_, i) => [i, 7, i, 1]).flat())],
      ['t/pci/linux,pci-domain', cells(2)],
    );
    const read = readDeviceTree(files, 't');
    expect(read?.units[0]?.scopes).toHaveLength(1001);
    expect(read?.units[0]?.scopes).toContainEqual({ kind: 'range', segment: 2, first: 999, last: 999 });
    expect(Math.max(...reads.values())).toBe(1);
  });

  test('nodes deeper than any real tree are left out, and that is said', () => {
    const read = readDeviceTree(tree([`t/${'n/'.repeat(20)}phandle`, cells(9)]).files, 't');
    expect(read?.problems.map(({ text }) => text)).toEqual([expect.stringContaining('not all were read')]);
  });

  test('references to nowhere are counted up to a limit', () => {
    const nowhere = cells(...Array.from({ length: 4000 }, (_, i) => [i, 8, i, 1]).flat());
    const read = readDeviceTree(tree(['t/pci/iommu-map', nowhere]).files, 't');
    expect(read?.problems).toHaveLength(200);
  });
});
