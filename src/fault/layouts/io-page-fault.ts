/**
 * The trace event io_page_fault of the iommu subsystem, in the text of ftrace, trace-cmd or perf.
 * @module
 */
import type { FaultDriver } from '../contract.ts';
import type { Draft } from '../draft.ts';
import { type Decoded, requesterId } from '../incident.ts';

/** Flags of report_iommu_fault: IOMMU_FAULT_READ 0, IOMMU_FAULT_WRITE 1 (include/linux/iommu.h). */
const FAULT_WRITE = 1n;

const UNSURE =
  'flags 0 stands for a read, and is also what drivers pass that do not know the direction (qcom_iommu, ipmmu-vmsa, omap-iommu, mtk-iommu-v1)';

function decode(draft: Draft): Decoded {
  const [device, flags = 0n] = [draft.text('device'), draft.hex('flags')];
  const access = (flags & FAULT_WRITE) === 0n ? 'read' : 'write';
  const stream = requesterId(device);
  const sure = access === 'write' || stream !== undefined;
  return {
    kind: 'not-permitted',
    name: 'io_page_fault',
    meaning: 'the iommu subsystem was told of a fault',
    device,
    stream,
    iova: draft.hex('iova'),
    access: sure ? access : undefined,
    fields: [
      { name: 'flags', value: draft.text('flags') ?? '', meaning: sure ? `a ${access}` : '' },
      ...(draft.text('driver') === undefined
        ? []
        : [{ name: 'driver', value: draft.text('driver') ?? '', meaning: "the device's driver" }]),
    ],
    notes: sure ? [] : [UNSURE],
  };
}

/** The io_page_fault event. */
export const ioPageFault: FaultDriver = {
  id: 'iommu',
  title: 'Trace event io_page_fault',
  origin: 'iommu',
  source: 'Linux include/trace/events/iommu.h',
  marks: ['io_page_fault: '],
  heads: ['io_page_fault: '],
  layouts: [
    {
      id: 'event',
      starts: true,
      seen: 'Linux 3.12 on',
      text: 'IOMMU:<{driver:s} >{device:s} iova={iova} flags={flags}',
    },
  ],
  quiet: [],
  decode,
};
