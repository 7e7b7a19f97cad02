import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/fault/incident.ts';
import { readFaultLog } from '../../../src/fault/log.ts';

/** Lines, and the one incident that they are. */
export type Case = readonly [readonly string[], string];

/** The incidents of a log of these lines. */
export function incidentsOf(...lines: string[]): readonly Incident[] {
  return readFaultLog(lines.join('\n')).incidents;
}

/** Driver, kind, name, device, stream, address and access of an incident. */
export function brief({ iommu, kind, name, device, stream, iova, access }: Incident): string {
  const numbers = [stream?.toString(16), iova?.toString(16)];
  return [iommu, kind, name, device, ...numbers, access].map((part) => part ?? '-').join(' | ');
}

/** Tests of cases: each alone, and all in one log. */
export function describeIncidents(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const [lines, expected] of cases) {
      it(expected, () => {
        const found = incidentsOf(...lines);
        expect(found.map(brief)).toEqual([expected]);
        expect(found[0]?.lines).toEqual(lines.map((_, i) => i + 1));
      });
    }

    it('are as many in one log as they are alone', () => {
      const ordinary = Array<string>(40).fill('[    9.999999] ordinary');
      const found = incidentsOf(...cases.flatMap(([lines]) => [...lines, ...ordinary]));
      expect(found.map(brief)).toEqual(cases.map(([, expected]) => expected));
    });
  });
}
