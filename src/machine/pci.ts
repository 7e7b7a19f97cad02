/**
 * The PCI functions of a machine, from `lspci` text in any of its usual forms or from sysfs facts printed a line a function
 * (`0000:00:01.0 0x1b36:0x0010 class 0x010802 driver nvme`).
 * @module
 */
import { checkText } from '../errors.ts';
import { canonicalPci } from '../pci.ts';

/** One PCI function. */
export interface PciDevice {
  /** `0000:00:01.0`. */
  readonly address: string;
  /** Class in words, where the text has them or the class code is known. */
  class: string | undefined;
  /** Class code, 24 bits (or 16 shifted up), where the text has it. */
  classCode: number | undefined;
  /** Vendor and device as text, or as `8086:2922`. */
  name: string | undefined;
  /** Kernel driver in use. */
  driver: string | undefined;
}

/** Base classes and the sub-classes that matter here (PCI Code and ID Assignment Specification, 1). */
const CLASSES: ReadonlyMap<number, string> = new Map([
  [0x0101, 'IDE controller'],
  [0x0104, 'RAID controller'],
  [0x0106, 'SATA controller'],
  [0x0107, 'SAS controller'],
  [0x0108, 'NVMe controller'],
  [0x0100, 'SCSI controller'],
  [0x0200, 'Ethernet controller'],
  [0x0207, 'InfiniBand controller'],
  [0x0280, 'network controller'],
  [0x0300, 'VGA controller'],
  [0x0302, '3D controller'],
  [0x0380, 'display controller'],
  [0x0401, 'multimedia audio controller'],
  [0x0403, 'audio device'],
  [0x0480, 'multimedia controller'],
  [0x0600, 'host bridge'],
  [0x0601, 'ISA bridge'],
  [0x0604, 'PCI bridge'],
  [0x0806, 'IOMMU'],
  [0x0880, 'system peripheral'],
  [0x0c03, 'USB controller'],
  [0x0c05, 'SMBus'],
  [0x1000, 'encryption controller'],
  [0x1080, 'encryption controller'],
  [0x1180, 'signal processing controller'],
  [0x1200, 'processing accelerator'],
]);

/** The words of a class code of 24 bits; undefined for a class that is not listed. */
export function className(code: number): string | undefined {
  return CLASSES.get(code >>> 8);
}

const FACTS = /^(\S+) (?:0x)?([0-9a-f]{4}):(?:0x)?([0-9a-f]{4}) class 0x([0-9a-f]{6})(?: driver ?(\S*))?(?: .*)?$/i;
const NUMERIC = /^(\S+) ([0-9a-f]{4}): ([0-9a-f]{4}:[0-9a-f]{4})(?: .*)?$/i;
const WORDS = /^(\S+) ([^:"]{1,80}): (\S.*)$/;
const CODE = / \[([0-9a-f]{4})\]$/i;
const DRIVER = /^\s+Kernel driver in use: (\S+)/;

function device(address: string, rest: Partial<Omit<PciDevice, 'address'>>): PciDevice {
  return { address, class: undefined, classCode: undefined, name: undefined, driver: undefined, ...rest };
}

function fromFacts([, , vendor, id, code = '', driver]: RegExpExecArray, address: string): PciDevice {
  const classCode = Number.parseInt(code, 16);
  return device(address, {
    class: className(classCode),
    classCode,
    name: `${vendor}:${id}`.toLowerCase(),
    driver: driver === '' ? undefined : driver,
  });
}

function fromWords([, , words = '', name = '']: RegExpExecArray, address: string): PciDevice {
  const code = CODE.exec(words)?.[1];
  const classCode = code === undefined ? undefined : Number.parseInt(code, 16) * 256;
  return device(address, { class: words.replace(CODE, ''), classCode, name: name.trim() });
}

function fromNumbers([, , code = '', ids = '']: RegExpExecArray, address: string): PciDevice {
  const classCode = Number.parseInt(code, 16) * 256;
  return device(address, { class: className(classCode), classCode, name: ids.toLowerCase() });
}

function deviceOf(line: string): PciDevice | undefined {
  const address = canonicalPci(line.slice(0, line.indexOf(' ')));
  if (address === undefined) return undefined;
  const facts = FACTS.exec(line);
  if (facts !== null) return fromFacts(facts, address);
  const numeric = NUMERIC.exec(line);
  if (numeric !== null) return fromNumbers(numeric, address);
  const words = WORDS.exec(line);
  return words === null
    ? device(address, { name: line.slice(line.indexOf(' ') + 1).trim() })
    : fromWords(words, address);
}

/** Longest line that is read. */
const LONGEST = 2000;

/** Every PCI function in the text, by its address. Lines of other things are passed over. */
export function parsePciList(text: string): Map<string, PciDevice> {
  checkText('text', text);
  const devices = new Map<string, PciDevice>();
  let last: PciDevice | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.slice(0, LONGEST).trimEnd();
    const driver = DRIVER.exec(line)?.[1];
    if (driver !== undefined && last !== undefined) last.driver = driver;
    const found = deviceOf(line);
    if (found === undefined) continue;
    last = found;
    devices.set(found.address, found);
  }
  return devices;
}
