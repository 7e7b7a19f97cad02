/**
 * Which stage's format the entries of a table are in, told from the entries alone (Intel VT-d, 9.7 and 9.8).
 * @module
 */

// 9.7 first-stage paging entries: P, U/S, A, D, XD
const FIRST = { present: 1n, user: 1n << 2n, used: 3n << 5n, executeDisable: 1n << 63n } as const;

/** Counts what speaks for each stage. */
export class StageEvidence {
  #first = 0;
  #second = 0;
  #executeDisable = false;

  /** Looks at an entry, of a table or of a leaf. */
  add(entry: bigint): void {
    const user = (entry & FIRST.user) !== 0n;
    const used = (entry & FIRST.used) !== 0n;
    if (entry & FIRST.executeDisable) this.#executeDisable = true;
    else if ((entry & FIRST.present) === 0n) this.#second++;
    else if (user && used) this.#first++;
    else if (!user && !used) this.#second++;
  }

  /** True if XD is set in an entry: then the first stage has NXE set, or the bit would be reserved. */
  get executeDisable(): boolean {
    return this.#executeDisable;
  }

  /** 1 or 2, `undefined` where there is no entry or they contradict each other. */
  get stage(): 1 | 2 | undefined {
    if (this.#executeDisable) return 1;
    if (this.#first > 0 === this.#second > 0) return undefined;
    return this.#first > 0 ? 1 : 2;
  }

  /** True if no entry was seen. */
  get empty(): boolean {
    return !this.#executeDisable && this.#first + this.#second === 0;
  }
}
