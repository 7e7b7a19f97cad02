import { describe, expect, test } from 'vitest';
import { groupsAnswer } from '../../src/answers/machine/groups.ts';
import { isIsolated, readConfigSpace } from '../../src/machine/setup/config-space.ts';
import { explainGroup } from '../../src/machine/setup/explain-group.ts';
import { parseLspci } from '../../src/machine/setup/lspci.ts';
import { readMachine } from '../../src/machine/setup/read-machine.ts';
import { device, filesOf, group, type Made, SERVER } from './machines.ts';
import { config } from './tables.ts';

/** `lspci -nnvv` of a switch whose downstream port lacks ACS bits, two network functions, and a bridge to PCI. */
const LSPCI = `00:1c.0 PCI bridge [0604]: Intel Corporation Made Root Port [8086:a338] (rev f0) (prog-if 00 [Normal decode])
\tControl: I/O+ Mem+ BusMaster+
\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0
\tIOMMU group: 1
\tCapabilities: [40] Express (v2) Root Port (Slot+), MSI 00
\t\tDevCtl:\tCorrErr- NonFatalErr-
\tCapabilities: [220 v1] Access Control Services
\t\tACSCap:\tSrcValid+ TransBlk+ ReqRedir+ CmpltRedir+ UpstreamFwd- EgressCtrl- DirectTrans-
\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir- CmpltRedir- UpstreamFwd- EgressCtrl- DirectTrans-
\tKernel driver in use: pcieport

01:00.0 Ethernet controller [0200]: Intel Corporation Made [8086:1533]
\tControl: I/O+ Mem+ BusMaster+
\tIOMMU group: 1
\tCapabilities: [a0] Express (v2) Endpoint, MSI 00
\t\tDevCtl:\tCorrErr- NonFatalErr-
\tCapabilities: [1a0 v1] Address Translation Service (ATS)
\t\tATSCtl:\tEnable+, Smallest Translation Unit: 00
\tKernel driver in use: igb

01:00.1 Ethernet controller [0200]: Intel Corporation Made [8086:1533]
\tControl: I/O+ Mem+ BusMaster+
\tIOMMU group: 1
\tCapabilities: [a0] Express (v2) Endpoint, MSI 00
\t\tDevCtl:\tCorrErr- NonFatalErr-
\tKernel driver in use: igb
`;

describe('lspci', () => {
  test('ports, buses, ACS, ATS and groups are read', () => {
    const [port, first, second] = parseLspci(LSPCI);
    expect(port).toMatchObject({
      address: '0000:00:1c.0',
      group: 1,
      config: { port: 4, buses: [1, 1], acs: { capability: 0x0f, control: 0x01 } },
    });
    expect(first?.config).toMatchObject({ port: 0, multifunction: true, acs: null, ats: true });
    expect(second?.config.ats).toBeNull();
  });

  test('without rights, capabilities are not known: not absent', () => {
    const [one] = parseLspci(
      '01:00.0 Ethernet controller [0200]: Made [8086:1533]\n\tControl: I/O+\n\tCapabilities: <access denied>\n',
    );
    expect(one).toMatchObject({ denied: true, config: { multifunction: false } });
    expect(one?.config.acs).toBeUndefined();
  });

  test('a dump in hex gives the same as the bytes', () => {
    const bytes = config({ port: 4, buses: [1, 2], acs: [0x1f, 0x1d] });
    const rows = Array.from({ length: 256 }, (_, i) => {
      const row = [...bytes.subarray(i * 16, i * 16 + 16)].map((byte) => byte.toString(16).padStart(2, '0'));
      return `${(i * 16).toString(16).padStart(i < 16 ? 2 : 3, '0')}: ${row.join(' ')}\n`;
    });
    const [one] = parseLspci(`00:1c.0 PCI bridge: Made\n${rows.join('')}`);
    expect(one?.config).toEqual(readConfigSpace(bytes));
  });
});

describe('a sosreport', () => {
  const sos: Made = {
    'sos_commands/pci/lspci_-nnvv': LSPCI,
    'proc/cmdline': 'intel_iommu=on\n',
    'proc/cpuinfo': 'vendor_id\t: GenuineIntel\nflags\t\t: fpu\n',
    'sos_commands/kernel/dmesg': '[  900.0] usb 1-1: new device\n',
  };

  test('has its groups from lspci, with the port that joins them', () => {
    const machine = readMachine(filesOf(sos));
    expect(machine.kind).toBe('sosreport');
    expect(machine.groups?.map(({ id, devices }) => [id, devices.length])).toEqual([[1, 3]]);
    const { verdict, sections } = groupsAnswer(machine);
    expect(verdict).toMatch(/^1 groups? with 3 devices/);
    expect(JSON.stringify(sections)).toMatch(/functions of 0000:01:00 are not kept apart/);
  });

  test('says what sysfs would have told', () => {
    const paths = readMachine(filesOf(sos)).unread.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['/sys/class/iommu', '/proc/interrupts', '/sys/firmware/acpi/tables']),
    );
  });
});

describe('why devices share a group', () => {
  const endpoint = { id: '8086:1533', class: '020000', group: 9 } as const;
  const why = (...made: readonly Made[]): string => {
    const machine = readMachine(filesOf(SERVER, ...made));
    const found = machine.groups?.find(({ id }) => id === 9);
    return found === undefined ? '' : explainGroup(machine, found).why.join('; ');
  };
  const bridge = (name: string, made: Parameters<typeof config>[0]): Made =>
    device(name, { id: '8086:a340', class: '060400', config: made });

  test('a bridge to conventional PCI', () => {
    const made = [
      bridge('0000:00:1d.0', { port: 7, buses: [7, 7] }),
      device('0000:07:00.0', { ...endpoint, config: { port: null } }),
      device('0000:07:01.0', { ...endpoint, config: { port: null } }),
      group(9, 'DMA', ['0000:07:00.0', '0000:07:01.0']),
    ];
    expect(why(...made)).toMatch(
      /0000:00:1d\.0 is a bridge to conventional PCI: all devices behind it share its requester id/,
    );
  });

  test('a port without ACS, by name', () => {
    const made = [
      bridge('0000:00:1d.0', { port: 4, buses: [7, 9] }),
      bridge('0000:07:00.0', { port: 5, buses: [8, 9] }),
      bridge('0000:08:00.0', { port: 6, buses: [9, 9] }),
      bridge('0000:08:01.0', { port: 6, buses: [10, 10] }),
      device('0000:09:00.0', { ...endpoint, config: { port: 0 } }),
      device('0000:0a:00.0', { ...endpoint, config: { port: 0 } }),
      group(9, 'DMA', ['0000:09:00.0', '0000:0a:00.0']),
    ];
    expect(why(...made)).toMatch(/has no ACS capability/);
  });

  test('functions of one slot', () => {
    const config = { port: 0, multifunction: true } as const;
    const made = [
      device('0000:07:00.0', { ...endpoint, config }),
      device('0000:07:00.1', { ...endpoint, config }),
      group(9, 'DMA', ['0000:07:00.0', '0000:07:00.1']),
    ];
    expect(why(...made)).toMatch(/functions of 0000:07:00 are not kept apart: function 0, 1 without ACS/);
  });

  test('a port and the one device below it is harmless', () => {
    const made = [
      bridge('0000:00:1d.0', { port: 4, buses: [7, 7] }),
      device('0000:07:00.0', { ...endpoint, config: { port: 0 } }),
      group(9, 'DMA', ['0000:00:1d.0', '0000:07:00.0']),
    ];
    expect(why(...made)).toMatch(/one device and the port above it .*harmless/);
  });

  test('registers that show no reason: a quirk, said so', () => {
    const config = { port: 0, multifunction: true, acs: [0x1f, 0x1f] } as const;
    const made = [
      device('0000:07:00.0', { ...endpoint, config }),
      device('0000:07:00.1', { ...endpoint, config }),
      group(9, 'DMA', ['0000:07:00.0', '0000:07:00.1']),
    ];
    expect(why(...made)).toMatch(/by their registers they are kept apart, so a quirk or a shared requester id/);
  });

  test('registers that were not read: said so', () => {
    const made = [
      device('0000:07:00.0', endpoint),
      device('0000:07:00.1', endpoint),
      group(9, 'DMA', ['0000:07:00.0', '0000:07:00.1']),
    ];
    expect(why(...made)).toMatch(/could not be read/);
  });
});

test.each([
  ['a root port with every bit on', { port: 4, acs: [0x1d, 0x1d] }, true],
  ['a root port that offers fewer bits, all on', { port: 4, acs: [0x05, 0x05] }, true],
  ['a root port with a bit off', { port: 4, acs: [0x1d, 0x0d] }, false],
  ['a downstream port without ACS', { port: 6 }, false],
  ['a single endpoint without ACS', { port: 0 }, true],
  ['a function of several without ACS', { port: 0, multifunction: true }, false],
  ['a bridge to conventional PCI', { port: 7, acs: [0x1d, 0x1d] }, false],
  ['conventional PCI', { port: null }, false],
] as const)('%s: isolated is %s', (_, made, isolated) => {
  expect(isIsolated(readConfigSpace(config(made)))).toBe(isolated);
});

test('64 bytes, all that a user may read, say nothing of ACS', () => {
  const short = readConfigSpace(config({ port: 4, acs: [0x1d, 0x1d] }).subarray(0, 64));
  expect(isIsolated(short)).toBeUndefined();
  expect(readConfigSpace(new Uint8Array(4096).fill(0xff))).toEqual({});
});
