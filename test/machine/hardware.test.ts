import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hardwareOf } from '../../src/machine/hardware.ts';

const CAPTURES = new URL('../captures/', import.meta.url).pathname;

function textOf(capture: string, name: string): string {
  return readFileSync(`${CAPTURES}${capture}/${name}`, 'utf8');
}

function registersOf(capture: string): string | undefined {
  const name = readdirSync(`${CAPTURES}${capture}`).find((one) => /^regs-.*\.json$/.test(one));
  return name === undefined ? undefined : textOf(capture, name);
}

/** Captures, and the hardware that their guests had. */
const KNOWN = [
  ['arm64-smmuv3-61-blk', 'arm-smmu-v3', 'arm-64-lpae-s1', '6.1'],
  ['arm64-smmuv3-612-blk-s2', 'arm-smmu-v3', 'arm-64-lpae-s2', '6.12'],
  ['x86-vtd-612-blk', 'intel-vtd', 'vtd-ss', '6.12'],
  ['x86-vtdsm-612-blk', 'intel-vtd', 'vtd-ss', '6.12'],
  ['x86-vtdfl-73-blk', 'intel-vtd', 'x86-64', '7.3'],
  ['x86-amdvi-612-blk', 'amd-vi', 'amd-v1', '6.12'],
  ['riscv64-72-blk', 'riscv-iommu', 'riscv-sv57', '7.2'],
] as const;

describe.each(KNOWN)('%s', (capture, driver, format, release) => {
  test('its log and its registers name the same driver and the same tables', () => {
    const log = textOf(capture, 'dmesg.txt');
    const registers = registersOf(capture);
    const [byLog, byRegisters] = [
      hardwareOf({ log }),
      hardwareOf({ registers, version: textOf(capture, 'version.txt') }),
    ];
    expect([byLog.driver, byRegisters.driver]).toEqual([driver, driver]);
    expect(byRegisters.release?.startsWith(release)).toBe(true);
    expect([hardwareOf({ log, registers }).format, byRegisters.format ?? format]).toEqual([format, format]);
  });
});

test('a virtio IOMMU is named by the line that its driver prints', () => {
  expect(hardwareOf({ log: textOf('x86-viommu-612-vfio', 'dmesg.txt') }).driver).toBe('virtio-iommu');
});

test('features come from registers, and from the log where there are none', () => {
  const log = textOf('x86-vtd-612-blk', 'dmesg.txt');
  expect(hardwareOf({ log }).features).toEqual({
    scalable: false,
    cachingMode: false,
    pageSelective: true,
    writeBuffer: false,
    draining: true,
    mamv: 18,
  });
  expect(hardwareOf({ log: textOf('x86-amdvi-612-blk', 'dmesg.txt') }).features).toEqual({ npCache: true });
});

test('metadata of a recording goes before the log; several IOMMUs are none', () => {
  const metadata = JSON.stringify({ release: '6.12.3', iommu: { kinds: ['amd-vi'], units: ['ivhd0'] } });
  const log = textOf('x86-vtd-612-blk', 'dmesg.txt');
  expect(hardwareOf({ metadata, log })).toMatchObject({ driver: 'amd-vi', release: '6.12.3', from: ['metadata.json'] });
  const two = JSON.stringify({ iommu: { kinds: ['amd-vi', 'intel-vtd'] } });
  expect(hardwareOf({ metadata: two, log }).driver).toBeUndefined();
});

test.each([
  ['not json'],
  ['[]'],
  ['null'],
  ['{"iommu": 5}'],
  ['{"iommu": {"kinds": ["__proto__", 7]}}'],
  ['{"named": 3}'],
])('a file that is not what it should be says nothing: %s', (text) => {
  expect(hardwareOf({ metadata: text, registers: text, log: '', version: text }).driver).toBeUndefined();
});

test('a kind is text: lists and objects that would print as one are passed over', () => {
  for (const one of [['amd-vi'], { toString: 1 }, null, '__proto__']) {
    const metadata = JSON.stringify({ iommu: { kinds: [one] } });
    const registers = JSON.stringify({ iommu: one, named: { IDR0: 1 } });
    expect(hardwareOf({ metadata, registers })).toMatchObject({ driver: undefined, from: [] });
  }
});

test('the page size is that of the metadata, else the one in the name of the release, else not known', () => {
  const pageSizeOf = (release: string, metadata = '{}'): number | undefined =>
    hardwareOf({ metadata, version: `Linux version ${release} (x@y)` }).pageSize;
  expect(pageSizeOf('6.12.107+deb13-arm64-16k')).toBe(16384);
  expect(pageSizeOf('6.11.4-301.fc41.aarch64+64k')).toBe(65536);
  expect(pageSizeOf('6.12.107+deb13-arm64')).toBeUndefined();
  expect(pageSizeOf('6.12.1-arm64-16k', '{"pageSize": 4096}')).toBe(4096);
  expect(pageSizeOf('6.12.1-arm64', '{"pageSize": 5000}')).toBeUndefined();
});
