import { expect, it } from 'vitest';
import { deviceRows } from '../../src/answers/replay/hardware.ts';

it.each(['constructor', '', '6', '__proto__'])('a kernel that no driver has is refused: %o', (kernel) => {
  for (const iommu of [undefined, 'arm-smmu', 'intel-vtd', 'bare']) {
    expect(() => deviceRows({ kernel, iommu })).toThrow(/kernel: expected one of 6.1.*BAD_OPTION/);
  }
});
