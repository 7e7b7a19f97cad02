// Bodies of events, each up to its newline.
import { LEFT } from './layout';
import { behindArray, behindWord } from './lists';
import {
  notAttributes, notCounts, notDmaAddrs, notEnd, notIommu, notPaddr, notPhysAddrs, notPhysical, notSize, notSizes, notUnmapped,
} from './literals';
import { decimalOf, decimals, digitsOf, hexadecimalOf, hexadecimals, hexadecimalsOf, othersOf } from './numbers';

const SPACE: u8 = 0x20;
const RETURN: u8 = 0x0d;
const DMA_MAP: u32 = 3;
const DMA_MAP_SG: u32 = 5;
/** More digits than this are left to the general reader, and so are addresses from 2^53 on: a double might not hold them. */
const MOST_DIGITS: u32 = 15;
const EXACT_BITS: i64 = 53;

/** Whether the line ends here: before its newline, with a carriage return or without. */
@inline
function isEnd(at: usize, next: usize): bool {
  return at + 1 + ((load<u8>(at) == RETURN ? 1 : 0) as usize) == next;
}

/** Flags without spaces up to the newline: nothing that could be another field. */
@inline
function hasAttributes(at: usize, next: usize): bool {
  if (notAttributes(at) != 0) return false;
  at += 7;
  while (load<u8>(at) > SPACE) at++;
  return isEnd(at, next);
}

/** `IOMMU: iova=0x… - 0x… paddr=0x… size=4096`. */
@inline
export function isMap(at: usize, next: usize, numbers: usize): bool {
  if ((notIommu(at) | notEnd(at + 30) | notPaddr(at + 51) | notSize(at + 76)) != 0) return false;
  const iovas = hexadecimals(v128.load(at, 14));
  const ends = hexadecimals(v128.load(at, 35));
  const pas = hexadecimals(v128.load(at, 60));
  const sizes = decimals(v128.load(at, 82));
  const digits = digitsOf(i8x16.bitmask(sizes) as u32);
  if (v128.any_true(othersOf(v128.or(v128.or(iovas, ends), pas))) || digits - 1 >= MOST_DIGITS) return false;
  const size = decimalOf(sizes, digits);
  const addresses = hexadecimalsOf(iovas, pas);
  const iova = i64x2.extract_lane(addresses, 0);
  const pa = i64x2.extract_lane(addresses, 1);
  const end = hexadecimalOf(ends, 16);
  if (iova + size != end || ((iova | end | pa) as u64) >> EXACT_BITS != 0) return false;
  store<f64>(numbers, iova as f64, 8);
  store<f64>(numbers, pa as f64, 16);
  store<f64>(numbers, size as f64, 24);
  store<f64>(numbers, 0, 32);
  return isEnd(at + 82 + (digits as usize), next);
}

/** `IOMMU: iova=0x… - 0x… size=4096 unmapped_size=4096`. */
@inline
export function isUnmap(at: usize, next: usize, numbers: usize): bool {
  if ((notIommu(at) | notEnd(at + 30) | notSize(at + 51)) != 0) return false;
  const iovas = hexadecimals(v128.load(at, 14));
  const ends = hexadecimals(v128.load(at, 35));
  const sizes = decimals(v128.load(at, 57));
  const digits = digitsOf(i8x16.bitmask(sizes) as u32);
  const behind = at + 57 + (digits as usize);
  if (v128.any_true(othersOf(v128.or(iovas, ends))) || digits - 1 >= MOST_DIGITS || notUnmapped(behind) != 0) return false;
  const unmapped = decimals(v128.load(behind, 15));
  const count = digitsOf(i8x16.bitmask(unmapped) as u32);
  const size = decimalOf(sizes, digits);
  const addresses = hexadecimalsOf(iovas, ends);
  const iova = i64x2.extract_lane(addresses, 0);
  const end = i64x2.extract_lane(addresses, 1);
  if (count - 1 >= MOST_DIGITS || iova + size != end || ((iova | end) as u64) >> EXACT_BITS != 0) return false;
  store<f64>(numbers, iova as f64, 8);
  store<f64>(numbers, 0, 16);
  store<f64>(numbers, size as f64, 24);
  store<f64>(numbers, decimalOf(unmapped, count) as f64, 32);
  return isEnd(behind + 15 + (count as usize), next);
}

/** `dma_map_page: … dir=… dma_addr=… size=… [phys_addr=…] attrs=…`, the part up to the address known by `start`. */
@inline
export function isDma(at: usize, next: usize, kind: u32, numbers: usize): bool {
  const iovas = hexadecimals(v128.load(at));
  const iovaDigits = digitsOf(i8x16.bitmask(i8x16.gt_u(iovas, i8x16.splat(15))) as u32);
  at += iovaDigits as usize;
  const sizes = decimals(v128.load(at, 6));
  const sizeDigits = digitsOf(i8x16.bitmask(sizes) as u32);
  if (iovaDigits == 0 || notSize(at) != 0 || sizeDigits - 1 >= MOST_DIGITS) return false;
  at += 6 + (sizeDigits as usize);
  const iova = hexadecimalOf(iovas, iovaDigits);
  let pa: i64 = 0;
  if (kind == DMA_MAP) {
    const pas = hexadecimals(v128.load(at, 11));
    const paDigits = digitsOf(i8x16.bitmask(i8x16.gt_u(pas, i8x16.splat(15))) as u32);
    if (notPhysical(at) != 0 || paDigits == 0) return false;
    at += 11 + (paDigits as usize);
    pa = hexadecimalOf(pas, paDigits);
  }
  if (((iova | pa) as u64) >> EXACT_BITS != 0) return false;
  store<f64>(numbers, iova as f64, 8);
  store<f64>(numbers, pa as f64, 16);
  store<f64>(numbers, decimalOf(sizes, sizeDigits) as f64, 24);
  store<f64>(numbers, 0, 32);
  return hasAttributes(at, next);
}

/**
 * `dma_map_sg: … dir=… [nents=…/… ents=…/…] dma_addrs={…} sizes={…} phys_addrs={…} attrs=…`, `dma_unmap_sg: … dir=… phys_addrs={…}
 * attrs=…`, the part up to `nents=` or the first list known. Leaves the list at `list`, and behind LEFT where it ends.
 */
@inline
export function isSg(at: usize, next: usize, kind: u32, list: usize, numbers: usize): bool {
  let to = list + 24;
  let count: u32 = 0;
  if (kind == DMA_MAP_SG) {
    if (load<u32>(at - 4) == 0x3d73746e) {
      at = behindWord(at);
      if (notCounts(at) != 0) return false;
      at = behindWord(at + 6);
      if (notDmaAddrs(at) != 0) return false;
      at += 11;
    }
    at = behindArray(at, to);
    count = load<u32>(LEFT, 16);
    to += (count as usize) << 3;
    if (at == 0 || notSizes(at) != 0) return false;
    at = behindArray(at + 7, to);
    to += (count as usize) << 3;
    if (at == 0 || load<u32>(LEFT, 16) != count || notPhysAddrs(at) != 0) return false;
    at += 12;
  }
  at = behindArray(at, to);
  if (at == 0) return false;
  const physical = load<u32>(LEFT, 16);
  store<u32>(LEFT, (to as u32) + (physical << 3), 12);
  store<f64>(list, count as f64);
  store<f64>(list, physical as f64, 8);
  store<f64>(list, 0, 16);
  for (let place: usize = 8; place < 40; place += 8) store<f64>(numbers + place, 0);
  return hasAttributes(at, next);
}
