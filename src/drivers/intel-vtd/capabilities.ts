/**
 * What a VT-d unit says that it walks, as Linux compares it when a device is attached (`paging_domain_compatible`). Intel VT-d
 * specification, 11.4.2 (CAP), 11.4.3 (ECAP).
 * @module
 */
import type { Geometry } from '../../formats/contract.ts';
import { QUIRK } from '../../formats/quirks.ts';
import { checkNeeds, type Need, needFormat, needInput, needPages, needQuirk } from '../capability.ts';

/** Capability registers; 0 where they are not known. */
export interface VtdCapabilities {
  /** CAP. */
  readonly cap: bigint;
  /** ECAP. */
  readonly ecap: bigint;
}

/** CAP (11.4.2): SAGAW 12:8, MGAW 21:16, SSLPS 37:34, FS1GP 56, FS5LP 60. */
const CAP = { SAGAW: 8n, MGAW: 16n, LARGE_2M: 34n, LARGE_1G: 35n, FIRST_1G: 56n, FIRST_5_LEVELS: 60n } as const;
/** ECAP (11.4.3): SC 7, SMTS 43, SSTS 46, FSTS 47. */
const ECAP = { SNOOP: 7n, SCALABLE: 43n, SECOND: 46n, FIRST: 47n } as const;
const MGAW_MASK = 0x3fn;
/** Levels of AW 0, of which SAGAW has bit 0. */
const LEAST_LEVELS = 2;
const FIRST_STAGE_LEVELS = 4;
const SIZE_2M = 2 ** 21;
const SIZE_1G = 2 ** 30;

function has(register: bigint, bit: bigint): boolean {
  return ((register >> bit) & 1n) === 1n;
}

function firstStageNeeds(geometry: Geometry, cap: bigint): Need[] {
  const most = has(cap, CAP.FIRST_5_LEVELS) ? 57 : 48;
  const deep = {
    ...needInput(geometry, most, 'CAP.FS5LP'),
    met: most === 57 || geometry.levels.length <= FIRST_STAGE_LEVELS,
  };
  return [deep, needPages(geometry, SIZE_1G, has(cap, CAP.FIRST_1G), 'CAP.FS1GP')];
}

function secondStageNeeds(geometry: Geometry, cap: bigint): Need[] {
  const levels = geometry.levels.length;
  const walked = [3, 4, 5].filter((count) => has(cap, CAP.SAGAW + BigInt(count - LEAST_LEVELS)));
  const expected = `tables of ${walked.join(' or ') || 'no'} levels (CAP.SAGAW)`;
  return [
    { argument: 'ias', met: walked.includes(levels), expected, got: `${levels} levels` },
    needPages(geometry, SIZE_2M, has(cap, CAP.LARGE_2M), 'CAP.SSLPS'),
    needPages(geometry, SIZE_1G, has(cap, CAP.LARGE_1G), 'CAP.SSLPS'),
  ];
}

function stageNeeds(geometry: Geometry, ecap: bigint, first: boolean, scalable: boolean): Need[] {
  const snooped = needQuirk(geometry, QUIRK.FORCE_COHERENCE, has(ecap, ECAP.SNOOP), 'ECAP.SC is 0');
  if (!scalable) return [snooped];
  return [
    { argument: 'scalable', met: has(ecap, ECAP.SCALABLE), expected: 'false (ECAP.SMTS is 0)', got: 'true' },
    first
      ? needFormat(geometry, has(ecap, ECAP.FIRST), 'no first stage (ECAP.FSTS is 0)')
      : needFormat(geometry, has(ecap, ECAP.SECOND), 'no second stage (ECAP.SSTS is 0)'),
    snooped,
  ];
}

/** Refuses tables that the unit does not walk. @throws IommuError `UNSUPPORTED`. */
export function checkVtd(geometry: Geometry, { cap, ecap }: VtdCapabilities, scalable: boolean): void {
  const first = geometry.format === 'x86-64';
  const stage = ecap === 0n ? [] : stageNeeds(geometry, ecap, first, scalable);
  const width = needInput(geometry, Number((cap >> CAP.MGAW) & MGAW_MASK) + 1, 'CAP.MGAW');
  const sizes = first ? firstStageNeeds(geometry, cap) : secondStageNeeds(geometry, cap);
  checkNeeds('intel-vtd', cap === 0n ? stage : [...stage, ...sizes, width]);
}
