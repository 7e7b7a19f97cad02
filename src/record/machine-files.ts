/**
 * Files that tell what a machine is, as a recording and its printed script save them: the names and forms that a folder
 * of evidence has.
 * @module
 */
import { readIfAny, type Tree } from './tree.ts';

/** Files that are copied as they are: name in the folder, path below the root. */
export const COPIED_FILES: readonly (readonly [name: string, path: string])[] = [
  ['version.txt', 'proc/version'],
  ['cmdline.txt', 'proc/cmdline'],
  ['iomem.txt', 'proc/iomem'],
];

const PCI = 'sys/bus/pci/devices';
const GROUPS = 'sys/kernel/iommu_groups';

function lastPart(link: string | null): string {
  return link === null ? '' : link.slice(link.lastIndexOf('/') + 1);
}

/** `0000:00:01.0 0x1b36:0x0010 class 0x010802 driver nvme`, a line a PCI device. */
function pciText(sys: Tree): string | null {
  const lines = sys.list(PCI).map((device) => {
    const [vendor, id, kind] = ['vendor', 'device', 'class'].map((name) => readIfAny(sys, `${PCI}/${device}/${name}`));
    return `${device} ${vendor ?? ''}:${id ?? ''} class ${kind ?? ''} driver ${lastPart(sys.link(`${PCI}/${device}/driver`))}\n`;
  });
  return lines.length === 0 ? null : lines.join('');
}

/** `group 0 type DMA devices 0000:00:00.0  reserved: 0x… 0x… msi;`, a line a group. */
function groupsText(sys: Tree): string | null {
  const lines = sys.list(GROUPS).map((group) => {
    const type = readIfAny(sys, `${GROUPS}/${group}/type`) ?? '';
    const devices = sys.list(`${GROUPS}/${group}/devices`).map((name) => `${name} `);
    const reserved = (readIfAny(sys, `${GROUPS}/${group}/reserved_regions`) ?? '').split('\n').filter(Boolean);
    return `group ${group} type ${type} devices ${devices.join('')} reserved: ${reserved.map((line) => `${line};`).join('')}\n`;
  });
  return lines.length === 0 ? null : lines.join('');
}

function copied(sys: Tree, path: string): string | null {
  const text = readIfAny(sys, path);
  return text === null ? null : `${text}\n`;
}

/** Name and text of each file that this machine has; one that cannot be read is left out. */
export function machineFiles(sys: Tree): (readonly [name: string, text: string])[] {
  const all: (readonly [string, string | null])[] = [
    ...COPIED_FILES.map(([name, path]) => [name, copied(sys, path)] as const),
    ['pci.txt', pciText(sys)],
    ['iommu_groups.txt', groupsText(sys)],
  ];
  return all.flatMap(([name, text]) => (text === null ? [] : [[name, text] as const]));
}
