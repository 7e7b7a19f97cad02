/**
 * Memory types: MAIR attribute bytes (Arm DDI 0487, MAIR_EL1) and stage 2 MemAttr (D8.5.5), in words.
 * @module
 */

// MAIR_EL1, Attr<n> = 0b0000dd00
const DEVICE = ['Device-nGnRnE', 'Device-nGnRE', 'Device-nGRE', 'Device-GRE'];

/** One cacheability nibble of a MAIR byte. */
function nibble(value: number): string {
  if (value === 4) return 'NC';
  const allocate = `${value & 2 ? 'R' : ''}${value & 1 ? 'W' : ''}`;
  const policy = value & 4 ? 'WB' : 'WT';
  const transient = value & 8 ? '' : ' transient';
  return `${policy}${allocate === '' ? '' : ` ${allocate}A`}${transient}`;
}

/** An attribute byte of MAIR in words. */
export function mairByteName(byte: number): string {
  if ((byte & 0xf0) === 0) return (byte & 0xf3) === 0 ? (DEVICE[byte >>> 2] ?? 'Device') : 'unpredictable';
  if ((byte & 0x0f) === 0) return byte === 0xf0 ? 'Tagged Normal' : 'unpredictable';
  const outer = nibble(byte >>> 4);
  const inner = nibble(byte & 15);
  return outer === inner ? `Normal ${outer}` : `Normal inner ${inner}, outer ${outer}`;
}

/** The memory type that AttrIndx selects. */
export function mairName(mair: bigint | undefined, index: number): string {
  if (mair === undefined) return `AttrIndx ${index}`;
  return mairByteName(Number((mair >> BigInt(index * 8)) & 0xffn));
}

// D8.5.5: MemAttr[3:2] outer, MemAttr[1:0] inner
const STAGE2 = ['', 'NC', 'WT', 'WB'];
// D8.5.6: FEAT_S2FWB, MemAttr[2] set: Normal, by MemAttr[1:0]
const FORCED = ['reserved', 'Normal NC', 'Normal WB', 'stage 1 type'];

/** The memory type of stage 2 MemAttr. */
export function memoryTypeStage2(code: number, forced: boolean): string {
  if (forced) return code & 4 ? (FORCED[code & 3] ?? 'reserved') : (DEVICE[code & 3] ?? 'reserved');
  const outer = code >>> 2;
  if (outer === 0) return DEVICE[code & 3] ?? 'reserved';
  const inner = code & 3;
  if (inner === 0) return 'reserved';
  return outer === inner ? `Normal ${STAGE2[outer]}` : `Normal inner ${STAGE2[inner]}, outer ${STAGE2[outer]}`;
}
