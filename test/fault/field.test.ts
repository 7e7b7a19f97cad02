/** Fault lines that people posted: device, stream, access, address, what was reported, cause; and what is excluded. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CauseName } from '../../src/fault/cause-names.ts';
import { type ExplainedFault, explainFault } from '../../src/fault/explain.ts';
import { FaultLog } from '../../src/fault/log.ts';

const FOLDER = 'test/fault/field';
const hex = (value: number | bigint | undefined): string => (value === undefined ? '-' : `0x${value.toString(16)}`);

/** One row an incident: device | stream | access | address | name | cause. */
const WANT: Readonly<Record<string, readonly string[]>> = {
  '01-smmuv2-qcom-downstream-far.txt': ['- | 0x40 | read | 0xa09d70c8 | TF | not-mapped'],
  '03-qcom-iommu-ctx.txt': ['- | - | read | 0x1047dc0 | TF | not-mapped', '- | - | read | 0x1047de0 | TF | not-mapped'],
  '04-msm-gpu-fault-ttbr0.txt': [
    '- | - | read | 0x0 | TRANSLATION | not-mapped',
    '- | - | read | 0x20 | TRANSLATION | not-mapped',
  ],
  '05-xen-smmu-context-fault.txt': ['- | - | execute | 0x86000a60 | PF | no-execute'],
  '07-smmuv2-global-mail-wrapped.txt': ['- | 0x781 | read | - | USF | no-context'],
  '08-smmuv2-blocked-and-gfsr.txt': ['- | 0x429 | write | - | USF | no-context'],
  '09-smmuv2-context-fault-mainline.txt': ['- | 0x877 | read | 0x3165687460 | TF | not-mapped'],
  '10-smmuv2-smcf-bullet.txt': ['- | 0x2a02 | execute | - | SMCF | doubled-configuration'],
  '11-smmuv3-raw-glued-prefix.txt': ['- | 0x100 | write | 0x0 | F_TRANSL_FORBIDDEN | unsupported-request'],
  '12-smmuv3-613-full.txt': ['0001:06:00.0 | 0x20600 | write | 0xff9bc000 | F_TRANSLATION | not-mapped'],
  '13-smmuv3-bad-streamid-unassigned.txt': ['- | 0x900 | - | - | C_BAD_STREAMID | no-context'],
  '14-smmuv3-bad-streamid-quoted.txt': ['- | 0xc900 | - | - | C_BAD_STREAMID | no-context'],
  '15-smmuv3-quoted-printable-wrapped.txt': ['0000:01:00.0 | 0x11 | read | 0x9b0cc000 | F_TRANSLATION | not-mapped'],
  '16-smmuv3-cmdq-atc-timeout.txt': ['- | - | - | - | CERROR_ATC_INV_SYNC | unit-error'],
  '17-smmuv3-words-without-head.txt': ['0000:01:00.0 | 0x100 | write | 0x90000f040 | F_TRANSLATION | not-mapped'],
  '19-smmuv3-decoded-alone.txt': ['- | 0x1600 | - | - | C_BAD_STREAMID | no-context'],
  '20-dmar-scalable-table-dump.txt': ['0000:00:0d.2 | 0x6a | read | 0x1026a4000 | fault reason 0x51 | stale-tlb'],
  '21-dmar-wrapped-two-lines-dump.txt': ['0000:00:1a.0 | 0xd0 | write | 0x0 | fault reason 0x05 | not-permitted'],
  '22-dmar-queue-errors.txt': ['- | - | - | - | unit does not answer | unit-error'],
  '23-dmar-pte-already-set.txt': ['- | - | - | 0xf1f7e000 | mapped twice | not-a-fault'],
  '24-dmar-kernel-3x.txt': [
    '0000:05:01.0 | 0x508 | write | 0xffbfe000 | fault reason 0x02 | no-context',
    '- | - | - | - | FSTS | unknown',
  ],
  '25-dmar-intr-remap-dmesg-T.txt': [
    '0000:f0:1f.0 | 0xf0f8 | - | - | fault reason 0x25 | interrupt-blocked',
    '0000:f0:1f.0 | 0xf0f8 | - | - | fault reason 0x25 | interrupt-blocked',
  ],
  '26-dmar-intr-remap-qp-wrapped.txt': ['0000:01:00.0 | 0x100 | - | - | fault reason 0x25 | interrupt-blocked'],
  '27-xen-vtd-two-lines.txt': [
    '0000:01:00.0 | 0x100 | write | 0x8c000 | fault reason 0x05 | not-permitted',
    '0000:01:00.0 | 0x100 | write | 0x8c000 | fault reason 0x05 | not-permitted',
  ],
  '29-dmar-pasid-ffffffff.txt': [
    '0000:00:02.0 | 0x10 | write | 0x0 | fault reason 0x02 | no-context',
    '0000:00:02.0 | 0x10 | read | 0xb4000000 | fault reason 0x06 | not-permitted',
  ],
  '30-amd-four-known-causes.txt': [
    '0000:25:00.1 | 0x2501 | read | 0x1bbc8f040 | IO_PAGE_FAULT | not-mapped',
    '0000:25:00.0 | 0x2500 | write | 0x1bdcb70c0 | IO_PAGE_FAULT | not-mapped',
    '0000:25:00.1 | 0x2501 | read | 0xbbcc1c40 | IO_PAGE_FAULT | wrong-direction',
    '0000:25:00.0 | 0x2500 | write | 0xbdcb70c0 | IO_PAGE_FAULT | wrong-direction',
  ],
  '31-amd-illegal-dte-dump.txt': [
    '0000:43:00.0 | 0x4300 | write | 0x3737b01000 | ILLEGAL_DEV_TABLE_ENTRY | no-context',
  ],
  '33-amd-completion-wait-iotlb-timeout.txt': ['0000:0b:00.0 | 0xb00 | - | - | IOTLB_INV_TIMEOUT | unit-error'],
  '35-amd-invalid-device-request.txt': [
    '0000:00:00.0 | 0x0 | - | 0xfffffffdf8000000 | INVALID_DEVICE_REQUEST | interrupt-blocked',
  ],
  '36-amd-address-beyond-48-bits.txt': [
    '0000:02:00.0 | 0x200 | read | 0xff00ffffffefe000 | IO_PAGE_FAULT | not-mapped',
  ],
  '37-xen-amd-new.txt': [
    '0000:00:14.0 | 0xa0 | - | 0xfdf8010140 | IO_PAGE_FAULT | interrupt-blocked',
    '0000:00:14.0 | 0xa0 | - | 0xfdf8010140 | IO_PAGE_FAULT | interrupt-blocked',
  ],
  '39-amd-mail-wrapped.txt': [
    '0000:01:00.0 | 0x100 | read | 0xb6674000 | IO_PAGE_FAULT | not-mapped',
    '0000:05:00.0 | 0x500 | write | 0xfffffff0c0 | IO_PAGE_FAULT | not-mapped',
  ],
  '40-apple-dart-no-pgd.txt': ['- | 0x0 | - | 0xfd68be00 | NO_PGD | not-mapped'],
  '42-rockchip-iommu.txt': ['- | - | write | 0x4382010 | page fault | not-mapped'],
  '44-mtk-iommu-type280.txt': ['larb 4 port 7 | - | read | 0x1fcdc0000 | TRANSLATION | not-mapped'],
  '46-exynos-sysmmu-old.txt': ['14400000.fimd | - | - | 0x20000000 | PAGE FAULT | not-mapped'],
  '48-tegra-mc.txt': ['display0a | - | read | 0xfe056b40 | SMMU translation error | not-mapped'],
  '49-mali-panfrost-mmu.txt': ['ff9a0000.gpu | - | read | 0x13b4b880 | TRANSLATION_FAULT_LEVEL3 | not-mapped'],
  '51-lima-mmu.txt': [
    '1c40000.gpu | - | read | 0x121020 | page fault | not-mapped',
    '1c40000.gpu | - | read | 0x121000 | page fault | not-mapped',
  ],
  '52-vfio-map-einval.txt': ['- | - | - | 0x380010000000 | VFIO map refused | not-a-fault'],
  '53-intel-iommu-width.txt': ['- | - | - | 0x8800001000 | IOMMU width | not-a-fault'],
  '54-swiotlb-full.txt': ['0000:00:1a.0 | - | - | 0xa1c8f9a60 | swiotlb buffer is full | not-a-fault'],
  '55-amd-flags-0x10-known-unmapped.txt': [
    '0000:07:00.0 | 0x700 | read | 0x7ff00000000 | IO_PAGE_FAULT | input-range',
    '0000:07:00.0 | 0x700 | read | 0x7ff00000500 | IO_PAGE_FAULT | input-range',
  ],
  '76-transport-dmesg-colour-amd.txt': ['0000:01:00.0 | 0x100 | read | 0xb6674000 | IO_PAGE_FAULT | not-mapped'],
  '78-transport-utf16-powershell.txt': [
    '0000:25:00.1 | 0x2501 | read | 0x1bbc8f040 | IO_PAGE_FAULT | not-mapped',
    '0000:25:00.0 | 0x2500 | write | 0x1bdcb70c0 | IO_PAGE_FAULT | not-mapped',
    '0000:25:00.1 | 0x2501 | read | 0xbbcc1c40 | IO_PAGE_FAULT | wrong-direction',
    '0000:25:00.0 | 0x2500 | write | 0xbdcb70c0 | IO_PAGE_FAULT | wrong-direction',
  ],
};

/** Causes that what was read excludes, of the first incident. */
const EXCLUDED: readonly (readonly [string, readonly CauseName[]])[] = [
  ['01-smmuv2-qcom-downstream-far.txt', ['wrong-direction', 'stale-tlb', 'no-context']],
  ['05-xen-smmu-context-fault.txt', ['never-mapped', 'used-before-mapping', 'no-context']],
  ['09-smmuv2-context-fault-mainline.txt', ['wrong-direction', 'stale-tlb']],
  ['10-smmuv2-smcf-bullet.txt', ['no-context']],
  ['11-smmuv3-raw-glued-prefix.txt', ['no-context', 'never-mapped']],
  ['13-smmuv3-bad-streamid-unassigned.txt', ['never-mapped', 'stale-tlb', 'wrong-direction']],
  ['16-smmuv3-cmdq-atc-timeout.txt', ['stale-tlb', 'never-mapped']],
  ['20-dmar-scalable-table-dump.txt', ['no-context']],
  ['25-dmar-intr-remap-dmesg-T.txt', ['never-mapped', 'wrong-direction', 'no-context']],
  ['30-amd-four-known-causes.txt', ['wrong-direction', 'stale-tlb']],
  ['33-amd-completion-wait-iotlb-timeout.txt', ['stale-tlb', 'never-mapped']],
  ['42-rockchip-iommu.txt', ['wrong-direction', 'stale-tlb']],
  ['55-amd-flags-0x10-known-unmapped.txt', ['wrong-direction', 'stale-tlb']],
];

/** Incidents whose lines do not decide: the fault is of a kind that the hardware does not tell apart. */
const OPEN: readonly (readonly [string, readonly CauseName[]])[] = [
  ['27-xen-vtd-two-lines.txt', ['never-mapped', 'use-after-unmap', 'wrong-direction', 'stale-tlb']],
  ['12-smmuv3-613-full.txt', ['never-mapped', 'use-after-unmap', 'overrun']],
];

function read(name: string): { readonly log: FaultLog; readonly faults: ExplainedFault[] } {
  const log = new FaultLog();
  log.push(readFileSync(`${FOLDER}/${name}`));
  log.end();
  return { log, faults: log.incidents.map((incident) => explainFault(incident, undefined, undefined)) };
}

function row({ record, cause }: ExplainedFault): string {
  const { device = '-', stream, access = '-', iova, name } = record;
  return [device, hex(stream), access, hex(iova), name, cause.name].join(' | ');
}

describe('a posted log', () => {
  it('is in the table, each of them', () => {
    expect(readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))).toEqual(Object.keys(WANT).sort());
  });

  it.each(Object.entries(WANT))('%s gives its incidents, and nothing that is not understood', (name, want) => {
    const { log, faults } = read(name);
    expect(faults.map(row)).toEqual(want);
    expect(log.unknown).toEqual([]);
  });

  it.each(EXCLUDED)('%s excludes what its lines exclude, and never lists it as open', (name, causes) => {
    const [first] = read(name).faults;
    const excluded = first?.cause.excluded.map((one) => one.name);
    for (const cause of causes) expect(excluded).toContain(cause);
    for (const { name: open } of first?.cause.alternatives ?? []) expect(excluded).not.toContain(open);
  });

  it.each(OPEN)('%s leaves open what its lines do not decide', (name, causes) => {
    const open = read(name).faults[0]?.cause.alternatives.map((one) => one.name);
    for (const cause of causes) expect(open).toContain(cause);
  });

  it.each(Object.keys(WANT))('%s has at most three steps to do next, each with a source', (name) => {
    for (const { next, record } of read(name).faults) {
      expect(next.length).toBeLessThanOrEqual(3);
      if (record.origin === 'iommu' && record.complete)
        expect(next.length + (record.kind === 'software' ? 1 : 0)).toBeGreaterThan(0);
      for (const step of next) expect(step.source).not.toBe('');
    }
  });
});
