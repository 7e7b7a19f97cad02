/**
 * Rules: what costs speed, and what the policy is.
 * @module
 */
import type { Machine } from '../setup/machine.ts';
import { coverageOf, policyOf } from '../setup/state.ts';
import { logHits, type Rule } from './rule.ts';

const FLUSH_QUEUE = 'Linux drivers/iommu/dma-iommu.c, flush queue: 256 entries a processor, 10 ms';

/** Strict and lazy mean nothing where no device is translated. */
function translates(machine: Machine): boolean {
  return coverageOf(machine).translated.length > 0;
}

/** Rules of this subject. */
export const PERFORMANCE_RULES: readonly Rule[] = [
  {
    id: 'strict-flushing',
    severity: 'information',
    for: ['performance'],
    meaning: 'Each unmap waits for the TLB: safest, and slow where many small buffers are mapped.',
    todo: 'Boot with iommu.strict=0, or write DMA-FQ into the file `type` of the group of a fast device.',
    source: FLUSH_QUEUE,
    find: (machine) =>
      translates(machine) && policyOf(machine) === 'strict'
        ? [{ path: machine.groupsPath, what: 'flushing is strict' }]
        : [],
  },
  {
    id: 'lazy-flushing',
    severity: 'information',
    for: ['security'],
    meaning: 'An unmapped page stays in reach of its device until the queue is flushed, up to 10 ms.',
    todo: 'Boot with iommu.strict=1 where that matters more than speed.',
    source: FLUSH_QUEUE,
    find: (machine) => {
      const policy = policyOf(machine);
      return translates(machine) && (policy === 'lazy' || policy === 'mixed')
        ? [{ path: machine.groupsPath, what: policy === 'lazy' ? 'flushing is lazy' : 'some groups flush lazily' }]
        : [];
    },
  },
  {
    id: 'strict-for-guest',
    severity: 'information',
    for: ['performance'],
    meaning:
      'The hypervisor emulates the unit: unmaps are strict whatever the options say, since each must reach the host.',
    todo: 'Use virtio devices without an IOMMU where speed matters, or iommu.passthrough=1 in the guest.',
    source: 'VT-d architecture specification 6.1, Caching Mode; AMD 48882 3.2.1, NpCache',
    find: (machine) => [...logHits(machine, 'intelGuest'), ...logHits(machine, 'amdGuest')],
  },
  {
    id: 'bounce-buffer-full',
    severity: 'error',
    for: ['performance'],
    meaning: 'A device could not get a bounce buffer: requests failed.',
    todo: 'Enlarge it (swiotlb=), or find out why the device needs it: short addresses, an untrusted port, memory encryption.',
    source: 'Linux Documentation/core-api/swiotlb.rst',
    find: (machine) => logHits(machine, 'swiotlbFull'),
  },
  {
    id: 'bounce-forced',
    severity: 'warning',
    for: ['performance'],
    meaning: 'All transfers are copied through bounce buffers.',
    todo: 'Remove swiotlb=force, which is for tests.',
    source: 'Linux Documentation/admin-guide/kernel-parameters.txt, swiotlb',
    find: ({ options, optionsPath = '/proc/cmdline' }) =>
      options.words('swiotlb').includes('force') ? [{ path: optionsPath, what: 'swiotlb=force is given' }] : [],
  },
  {
    id: 'ats-switched-off',
    severity: 'information',
    for: ['performance'],
    meaning: 'Devices with a TLB of their own do not use it, and shared virtual addressing does not work.',
    todo: 'Remove pci=noats unless a device misbehaves with ATS.',
    source: 'Linux Documentation/admin-guide/kernel-parameters.txt, pci=noats',
    find: ({ options, optionsPath = '/proc/cmdline' }) =>
      options.words('pci').includes('noats') ? [{ path: optionsPath, what: 'pci=noats is given' }] : [],
  },
  {
    id: 'wide-addresses',
    severity: 'information',
    for: ['performance'],
    meaning:
      'A device ran out of addresses below 4 GB and got wider ones: allocation was slow before, and some devices fail then.',
    todo: 'If the device fails, look for a driver that sets too wide a DMA mask; iommu.forcedac=1 skips the search below 4 GB.',
    source: 'Linux drivers/iommu/dma-iommu.c: iommu_dma_alloc_iova',
    find: (machine) => logHits(machine, 'wideDma'),
  },
  {
    id: 'encryption-forces-translation',
    severity: 'information',
    for: ['performance'],
    meaning: 'Memory is encrypted: identity domains are not the default, whatever the options say.',
    todo: 'Nothing.',
    source: 'Linux drivers/iommu/iommu.c: iommu_subsys_init',
    find: (machine) => logHits(machine, 'encrypted'),
  },
];
