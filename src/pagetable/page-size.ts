/**
 * Which page size comes next, and how many pages of it: Linux's `iommu_pgsize` (drivers/iommu/iommu.c), for a bitmap of
 * sizes.
 * @module
 */
import { highHalf, lowHalf, offsetIn } from '../address.ts';
import { sizesOf } from '../formats/widths.ts';

const TWO_52 = 2 ** 52;

function trailingZeros(low: number, high: number): number {
  if (low !== 0) return 31 - Math.clz32(low & -low);
  return high === 0 ? 64 : 63 - Math.clz32(high & -high);
}

/** Chooses page sizes; the answer lies in `size` and `count` until the next question. */
export class PageSizeChooser {
  /** Bytes of the chosen page. */
  size = 0;
  /** Pages of that size that may go in one call. */
  count = 0;
  /** Smallest size. */
  readonly smallest: number;
  readonly #sizes: readonly number[];
  readonly #shifts: readonly number[];
  readonly #bias: number;

  /**
   * @param base lowest input address of the region, where sizes above its alignment may be chosen (Linux takes what was
   * asked for, however short the region)
   */
  constructor(bitmap: number, base = 0n) {
    this.#bias = Number(BigInt.asUintN(52, base));
    this.#sizes = sizesOf(bitmap);
    this.#shifts = this.#sizes.map((size) => Math.log2(size));
    this.smallest = this.#sizes[0] ?? 0;
  }

  /** The next larger size, or infinity. */
  after(size: number): number {
    return this.#sizes.find((candidate) => candidate > size) ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the smallest size divides both addresses and the length. */
  divides(iova: number, pa: number, bytes: number): boolean {
    const { smallest } = this;
    return iova % smallest === 0 && pa % smallest === 0 && bytes % smallest === 0;
  }

  /**
   * The biggest size that is not above `bytes` and divides both addresses; as many pages of it as fit before a larger
   * size can take over. `bytes` and both addresses must be multiples of the smallest size.
   */
  choose(iova: number, pa: number, bytes: number): void {
    this.#choose(this.#bias === 0 ? iova : (iova + this.#bias) % TWO_52, pa, bytes);
  }

  /** The same for an unmap, which has an input address only. */
  chooseFor(iova: number, bytes: number): void {
    const at = this.#bias === 0 ? iova : (iova + this.#bias) % TWO_52;
    this.#choose(at, at, bytes);
  }

  #choose(at: number, pa: number, bytes: number): void {
    if (bytes === this.smallest) {
      this.size = bytes;
      this.count = 1;
      return;
    }
    const low = lowHalf(at) | lowHalf(pa);
    const high = low === 0 ? highHalf(at) | highHalf(pa) : 0;
    const zeros = trailingZeros(low, high);
    let i = this.#sizes.length - 1;
    while (i > 0 && ((this.#shifts[i] as number) > zeros || (this.#sizes[i] as number) > bytes)) i--;
    const size = this.#sizes[i] as number;
    this.size = size;
    this.count = bytes === size ? 1 : Math.floor(this.#upToNextSize(i, at, pa, bytes) / size);
  }

  #upToNextSize(i: number, iova: number, pa: number, bytes: number): number {
    const next = this.#sizes[i + 1];
    if (next === undefined || bytes < next) return bytes;
    const rest = offsetIn(iova, next);
    if (rest !== offsetIn(pa, next)) return bytes;
    const offset = next - rest;
    return offset + next <= bytes ? offset : bytes;
  }
}
