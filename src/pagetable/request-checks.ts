/**
 * What the page tables of kernels check of their arguments. Under `safe` the core has checked more than that before.
 * @module
 */
import { IommuError } from '../errors.ts';
import { PROT } from '../formats/protection.ts';
import type { Rules } from '../formats/rules.ts';
import { hasSize } from '../formats/widths.ts';
import { EINVAL, ENOMEM, ERANGE } from './errno.ts';
import type { TableTree } from './tree.ts';

const ACCESS = PROT.READ | PROT.WRITE;

/** Linux takes the count of a run as a signed 32-bit number: from here on it would map a negative number of pages. */
const MOST_PAGES = 2 ** 31 - 1;

function tooManyPages(count: number): IommuError {
  const message = `expected at most ${MOST_PAGES} pages in one call, as Linux counts them, got ${count}`;
  return new IommuError('OUT_OF_RANGE', 'count', message, { got: count, limit: MOST_PAGES });
}

function isSubset(sum: number, bitmap: number): boolean {
  for (let bit = 1; bit <= sum; bit *= 2) if (hasSize(sum, bit) && !hasSize(bitmap, bit)) return false;
  return true;
}

/** The checks of one table by the rules of a kernel. */
export class RequestChecks {
  readonly #tree: TableTree;
  readonly #rules: Rules;
  readonly #inputEnd: number;
  readonly #outputEnd: number;

  constructor(tree: TableTree, rules: Rules) {
    this.#tree = tree;
    this.#rules = rules;
    this.#inputEnd = 2 ** tree.geometry.ias;
    this.#outputEnd = 2 ** tree.geometry.oas;
  }

  /** The negative errno with which a kernel refuses to map, or 0. */
  refuseMap(iova: number, pa: number, size: number, count: number, prot: number): number {
    if (count > MOST_PAGES && this.#rules.counts === 'signed 32 bits') throw tooManyPages(count);
    for (const check of this.#rules.mapChecks) {
      if (check === 'pageSize' && !this.#allowsSize(size)) return EINVAL;
      if (check === 'range' && this.#isOutOfRange(iova, pa)) return ERANGE;
      if (check === 'protection' && (prot & ACCESS) === 0) return EINVAL;
      if (check === 'count' && count === 0) return EINVAL;
      if (check === 'root' && iova >= this.#tree.reach) return ENOMEM;
    }
    return 0;
  }

  /** Whether a kernel takes a call that unmaps; where it does not, nothing is unmapped. */
  allowsUnmap(iova: number, size: number, count: number): boolean {
    return count > 0 && this.#allowsSize(size) && this.#inInput(iova);
  }

  #isOutOfRange(iova: number, pa: number): boolean {
    return pa >= this.#outputEnd || (this.#rules.inputRange === 'refused' && iova >= this.#inputEnd);
  }

  #inInput(iova: number): boolean {
    return iova < (this.#rules.inputRange === 'refused' ? this.#inputEnd : this.#tree.reach);
  }

  #allowsSize(size: number): boolean {
    const { pageSizes } = this.#tree.geometry;
    const { sizeRule } = this.#rules;
    if (sizeRule === 'any') return true;
    if (sizeRule === 'exact') return size === pageSizes;
    return size > 0 && isSubset(size, pageSizes);
  }
}
