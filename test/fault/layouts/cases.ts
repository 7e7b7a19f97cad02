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
