/**
 * Names of PCI functions from what people have at hand: the text of `lspci` (with or without `-nn`, `-k`, `-D`), or lines of
 * `address vendor:device class code driver name`.
 * @module
 */

/** What is known of one PCI function. */
export interface PciFunction {
  /** `0000:00:02.0`. */
  readonly address: string;
  /** Class in words; empty where it is not known. */
  readonly className: string;
  /** Vendor and device in words, as lspci names them; empty where it does not. */
  readonly title: string;
  /** Driver bound; empty where none is known. */
  readonly driver: string;
}

/** Base class and subclass in words (PCI Code and ID Assignment, 1). */
const CLASSES: Readonly<Record<string, string>> = {
  '0100': 'SCSI controller',
  '0101': 'IDE controller',
  '0104': 'RAID controller',
  '0106': 'SATA controller',
  '0107': 'SAS controller',
  '0108': 'NVMe controller',
  '0200': 'Ethernet controller',
  '0207': 'InfiniBand controller',
  '0280': 'network controller',
  '0300': 'VGA controller',
  '0302': '3D controller',
  '0380': 'display controller',
  '0400': 'video device',
  '0401': 'audio device',
  '0403': 'audio device',
  '0600': 'host bridge',
  '0601': 'ISA bridge',
  '0604': 'PCI bridge',
  '0801': 'DMA controller',
  '0806': 'IOMMU',
  '0c03': 'USB controller',
  '0c05': 'SMBus',
  '0d80': 'wireless controller',
  '1200': 'accelerator',
};

const ADDRESS = /^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?:\s|$)/i;
const PLAIN = /^\S+ 0x[0-9a-f]{4}:0x[0-9a-f]{4} class 0x([0-9a-f]{4})[0-9a-f]{2} driver ?(\S*)/i;
const MOST_FUNCTIONS = 65_536;
const MOST_LINE = 1000;

/** The address of a function in full, `0000:00:02.0`; undefined for a text that is not one. */
export function pciAddress(text: string): string | undefined {
  const address = ADDRESS.exec(text)?.[1]?.toLowerCase();
  if (address === undefined) return undefined;
  return address.split(':').length === 2 ? `0000:${address}` : address;
}

function className(code: string): string {
  const known = code.toLowerCase();
  return Object.hasOwn(CLASSES, known) ? (CLASSES[known] ?? '') : '';
}

/** `00:02.0 Ethernet controller [0200]: Intel Corporation … [8086:10d3]`. */
function lspciFunction(address: string, line: string): PciFunction {
  const rest = line.slice(line.indexOf(' ') + 1);
  const colon = rest.indexOf(': ');
  const words = (text: string): string => text.replace(/\s*\[[0-9a-f]{4}(?::[0-9a-f]{4})?\]/gi, '').trim();
  const name = colon < 0 ? '' : words(rest.slice(0, colon));
  return { address, className: name, title: colon < 0 ? '' : words(rest.slice(colon + 2)), driver: '' };
}

/** Reads the functions; lines of other kinds are passed over. */
export function parsePci(text: string): Map<string, PciFunction> {
  const functions = new Map<string, PciFunction>();
  let current: PciFunction | undefined;
  for (const whole of text.split('\n')) {
    const line = whole.slice(0, MOST_LINE);
    const address = pciAddress(line);
    if (address !== undefined) {
      if (functions.size >= MOST_FUNCTIONS) break;
      const plain = PLAIN.exec(line);
      current =
        plain === null
          ? lspciFunction(address, line)
          : { address, className: className(plain[1] ?? ''), title: '', driver: plain[2] ?? '' };
      functions.set(address, current);
      continue;
    }
    const driver = /^\s+Kernel driver in use: (\S+)/.exec(line)?.[1];
    if (driver === undefined || current === undefined) continue;
    current = { ...current, driver };
    functions.set(current.address, current);
  }
  return functions;
}
