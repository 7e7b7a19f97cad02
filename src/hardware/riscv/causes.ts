/**
 * Causes of RISC-V IOMMU faults, and what is answered and recorded for them (RISC-V IOMMU 1.0, 3.6 and 4.2).
 * @module
 */

/** CAUSE of a fault record (4.2). */
export const CAUSE = {
  instructionAccess: 1,
  readAccess: 5,
  writeAccess: 7,
  instructionPage: 12,
  readPage: 13,
  writePage: 15,
  instructionGuestPage: 20,
  readGuestPage: 21,
  writeGuestPage: 23,
  allDisallowed: 256,
  ddtAccess: 257,
  ddtNotValid: 258,
  ddtMisconfigured: 259,
  typeDisallowed: 260,
  msiAccess: 261,
  msiNotValid: 262,
  msiMisconfigured: 263,
  pdtAccess: 265,
  pdtNotValid: 266,
  pdtMisconfigured: 267,
  ddtCorrupt: 268,
  pdtCorrupt: 269,
  msiCorrupt: 270,
  tableCorrupt: 274,
} as const;

const WORDS: ReadonlyMap<number, string> = new Map([
  [1, 'Instruction access fault'],
  [5, 'Read access fault'],
  [7, 'Write/AMO access fault'],
  [12, 'Instruction page fault'],
  [13, 'Read page fault'],
  [15, 'Write/AMO page fault'],
  [20, 'Instruction guest-page fault'],
  [21, 'Read guest-page fault'],
  [23, 'Write/AMO guest-page fault'],
  [256, 'all inbound transactions disallowed'],
  [257, 'DDT entry load access fault'],
  [258, 'DDT entry not valid'],
  [259, 'DDT entry misconfigured'],
  [260, 'transaction type disallowed'],
  [261, 'MSI PTE load access fault'],
  [262, 'MSI PTE not valid'],
  [263, 'MSI PTE misconfigured'],
  [265, 'PDT entry load access fault'],
  [266, 'PDT entry not valid'],
  [267, 'PDT entry misconfigured'],
  [268, 'DDT data corruption'],
  [269, 'PDT data corruption'],
  [270, 'MSI PT data corruption'],
  [274, 'first- or second-stage PT data corruption'],
]);

/** A cause in the specification's words, with its number. */
export function causeText(cause: number): string {
  return `${WORDS.get(cause) ?? 'reserved'} (cause ${cause})`;
}

/** Causes that are reported although DC.tc.DTF is 1 (4.2). */
const DESPITE_DTF: ReadonlySet<number> = new Set([256, 257, 258, 259, 268, 272, 273]);

/** Causes of an ATS request that are answered with Success and no permission, and never recorded (3.6). */
const ATS_SUCCESS: ReadonlySet<number> = new Set([12, 13, 15, 20, 21, 23, 262, 266]);
/** Causes of an ATS request that are answered with Unsupported Request (3.6). */
const ATS_UNSUPPORTED: ReadonlySet<number> = new Set([256, 257, 258, 259, 260]);

/** What a requester is answered. */
export type RiscvStatus = 'success' | 'unsupported-request' | 'completer-abort';

/** The answer for a cause: an ATS request gets its own, every other request is aborted. */
export function statusOf(cause: number, ats: boolean): RiscvStatus {
  if (!ats || ATS_UNSUPPORTED.has(cause)) return 'unsupported-request';
  return ATS_SUCCESS.has(cause) ? 'success' : 'completer-abort';
}

/** Whether a fault goes to the fault queue. */
export function isReported(cause: number, ats: boolean, dtf: boolean): boolean {
  if (ats && ATS_SUCCESS.has(cause)) return false;
  return !dtf || DESPITE_DTF.has(cause);
}
