/**
 * Device and process contexts of RISC-V scenes (RISC-V IOMMU 1.0, 3.1.3, 3.2.2).
 * @module
 */
import { below } from './scene.ts';
import type { Random, SceneTables } from './unit.ts';

const V = 1n;
// 3.1.3.1 tc
const EN_ATS = 1n << 1n;
const DTF = 1n << 4n;
const PDTV_DPE = (1n << 5n) | (1n << 9n);
const GSCID = 3n << 44n;
const PSCID = 11n << 12n;
/** PDTP.MODE PD8: one table of process contexts. */
const PD8 = 1n << 60n;
const PAGE = 4096;

/** Where the structures of a scene lie. */
export interface ContextPlaces {
  /** A page of process contexts. */
  readonly processes: number;
  /** Four pages: the root of the second stage. */
  readonly root: number;
}

/** iosatp of first-stage tables; its MODE has the values of iohgatp's. */
function pointer({ registers }: SceneTables): bigint {
  return ((registers['fsc_iosatp_mode'] ?? 0n) << 60n) | (registers['ppn'] ?? 0n);
}

/** fsc, or the process context that takes its place: V, ENS and SUM as drawn, PSCID. */
export interface FirstStage {
  readonly tc: bigint;
  readonly fsc: bigint;
  readonly process: readonly [bigint, bigint];
}

/** Points a device context to first-stage tables, now and then through a process directory with a default process. */
export function firstStageOf(tables: SceneTables | undefined, places: ContextPlaces, random: Random): FirstStage {
  if (tables === undefined) return { tc: 0n, fsc: 0n, process: [0n, 0n] };
  const fsc = pointer(tables);
  if (random() < 0.7) return { tc: 0n, fsc, process: [0n, 0n] };
  const ta = V | (BigInt(below(random, 4)) << 1n) | PSCID;
  return { tc: PDTV_DPE, fsc: PD8 | BigInt(places.processes / PAGE), process: [ta, fsc] };
}

/** The doublewords of a device context; an extended one has no MSI page table. */
export function deviceContext(
  first: FirstStage,
  second: SceneTables | undefined,
  extended: boolean,
  { root }: ContextPlaces,
  random: Random,
): bigint[] {
  const drawn = (random() < 0.1 ? EN_ATS : 0n) | (random() < 0.05 ? DTF : 0n);
  const mode = second?.registers['fsc_iosatp_mode'] ?? 0n;
  const iohgatp = second === undefined ? 0n : (mode << 60n) | GSCID | BigInt(root / PAGE);
  const base = [V | first.tc | drawn, iohgatp, PSCID, first.fsc];
  return extended ? [...base, 0n, 0n, 0n, 0n] : base;
}
