/**
 * The page tables of a context, as an entry and a descriptor describe them, with what the TLB keeps them under.
 * @module
 */
import { bitsOf } from '../bits.ts';
import { ANY, STAGES } from '../command.ts';
import type { DomainTables } from '../iommu.ts';
import type { CdStage1 } from './cd.ts';
import { EL2_DOMAIN, EL3_DOMAIN } from './commands.ts';
import type { SteStage2, StreamTableEntry } from './ste.ts';

/** The tables of a second stage. */
export function stage2Tables(ste: StreamTableEntry, stage2: SteStage2): DomainTables {
  const { root, tsz, granule, oas, aarch64, key } = stage2;
  const ias = aarch64 ? 64 - tsz : 32 - (tsz > 7 ? (tsz & 15) - 16 : tsz);
  const format = aarch64 ? 'arm-64-lpae-s2' : 'arm-32-lpae-s2';
  return {
    key,
    id: `vmid ${ste.vmid}`,
    root,
    geometry: { format, granule, ias, oas },
    regime: stage2.regime,
    tag: { domain: ste.vmid, space: ANY, stages: STAGES.second },
  };
}

/** The StreamWorld of a stage 1 (5.2, STE.STRW): its entries carry a VMID, or belong to EL2 or EL3. */
function worldOf(ste: StreamTableEntry): number {
  const world = bitsOf(ste.words, 94, 2);
  return world === 0 ? ste.vmid : world === 1 ? EL3_DOMAIN : EL2_DOMAIN;
}

/** The tables of a first stage, nested in a second one where there is one. */
export function stage1Tables(
  asid: number,
  one: CdStage1,
  two: SteStage2 | undefined,
  ste: StreamTableEntry,
): DomainTables {
  const format = one.aarch64 ? 'arm-64-lpae-s1' : 'arm-32-lpae-s1';
  const ias = one.aarch64 ? 64 - one.tsz : 32 - one.tsz;
  const geometry = { format, granule: one.granule, ias, oas: one.oas };
  const tag = { domain: worldOf(ste), space: asid, stages: STAGES.first };
  const tables = { id: `asid ${asid}`, root: one.root, geometry, regime: one.regime, tag };
  if (two === undefined) return { ...tables, key: one.key };
  return { ...tables, id: `asid ${asid}, vmid ${ste.vmid}`, key: `${one.key}/${two.key}`, stage2: two.regime };
}
