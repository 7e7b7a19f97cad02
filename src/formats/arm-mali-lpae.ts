/**
 * Arm Mali (Midgard, Bifrost) GPU page tables: LPAE's geometry, always from level 0, with descriptor types and attributes
 * of their own. No public specification; as Linux 6.1 (io-pgtable-arm, `ARM_MALI_LPAE`) and its panfrost driver have it.
 * @module
 */
import { lpaeGeometry } from './arm-lpae.ts';
import type { Format, Registers } from './contract.ts';
import { type LpaeVariant, lpaeConfigurations, lpaeRequest } from './lpae-shape.ts';
import { LPAE_61, LPAE_73 } from './rules.ts';

/** TRANSTAB low bits: ADRMODE_TABLE, READ_INNER, SHARE_OUTER. */
const ADRMODE_TABLE = 3n;
const READ_INNER = 1n << 2n;
const SHARE_OUTER = 1n << 4n;

/** MEMATTR: implementation default, write allocate, as the driver programs it. */
const MEMATTR = 0x888d88n;

const MALI: LpaeVariant = {
  id: 'arm-mali-lpae',
  kind: 'mali',
  granules: [12],
  maxIas: 48,
  maxOas: 40,
  quirks: [],
  rules: { 'linux-6.1': LPAE_61, 'linux-7.3': LPAE_73 },
};

function registersOf(root: number, coherent: boolean): Registers {
  return { transtab: BigInt(root) | ADRMODE_TABLE | READ_INNER | (coherent ? SHARE_OUTER : 0n), memattr: MEMATTR };
}

/** Mali page tables. */
export const armMaliLpae: Format = {
  id: MALI.id,
  title: 'Arm Mali GPU, LPAE-like',
  source: 'Linux 6.1 io-pgtable-arm; golden vectors',
  granules: [4096],
  inputs: 'up to 48 bits',
  outputs: 'up to 40 bits',
  quirks: [],
  configurations: lpaeConfigurations([
    ['48/40', 4, 48, 40],
    ['33/36 non-coherent', 4, 33, 36, 0, false],
  ]),
  request: (granule, ias = 48, oas = 40) => lpaeRequest(granule, ias, oas),
  configure: (request) => lpaeGeometry(MALI, request, (root) => registersOf(root, request.coherent)),
};
