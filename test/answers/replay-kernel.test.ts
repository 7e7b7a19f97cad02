import { expect, it } from 'vitest';
import { deviceRows } from '../../src/answers/replay/hardware.ts';

it.each(['constructor', '', '6', '0.1', '6.x', '6.1x', '5.', '100.1', '__proto__', '6.12 ', 'latest'])(
  '%o is refused as a kernel: it is not a release',
  (kernel) => {
    for (const iommu of [undefined, 'arm-smmu', 'intel-vtd', 'bare']) {
      expect(() => deviceRows({ kernel, iommu })).toThrow(
        /kernel: expected a release of Linux .*6\.1, 6\.12, 6\.13, 7\.3.*, got '.*BAD_OPTION/,
      );
    }
  },
);

it.each([
  ['5.10', 'intel-vtd', { kernel: '6.1', kernelFor: '5.10' }],
  ['6.8.0-45-generic', 'amd-vi', { kernel: '6.1', kernelFor: '6.8.0-45-generic' }],
  ['v6.17', 'arm-smmu-v3', { kernel: '6.12', kernelFor: '6.17' }],
  ['6.1', 'riscv-iommu', { kernel: '6.13', kernelFor: '6.1' }],
  ['99.0', 'intel-vtd', { kernel: '7.3', kernelFor: '99.0' }],
  ['5.10', 'arm-smmu', { kernel: undefined, kernelFor: '5.10' }],
] as const)('a kernel that is not modelled is stood for: %s of %s', (kernel, iommu, expected) => {
  expect(deviceRows({ kernel, iommu })[0]?.device).toMatchObject(expected);
});

it.each(['6.12', 'v6.12', '6.12.107+deb13-amd64'])('a release of a modelled kernel is its own: %s', (kernel) => {
  const device = deviceRows({ kernel, iommu: 'intel-vtd' })[0]?.device;
  expect([device?.kernel, device?.kernelFor, device?.kernelAssumed]).toEqual(['6.12', undefined, false]);
});

it('the release of the trace is stood for in the same way, and no word is said of one that nobody asked for', () => {
  const release = '6.8.0';
  const common = { from: [], features: {}, format: undefined, pageSize: undefined };
  const vtd = deviceRows({ hardware: { ...common, driver: 'intel-vtd', release } })[0]?.device;
  expect([vtd?.kernel, vtd?.kernelFor]).toEqual(['6.1', release]);
  const smmu = deviceRows({ hardware: { ...common, driver: 'arm-smmu', release } })[0]?.device;
  expect([smmu?.kernel, smmu?.kernelFor]).toEqual([undefined, undefined]);
});
