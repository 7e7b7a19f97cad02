/**
 * Numbers that tag cached translations of one unit: ASIDs, VMIDs, domain ids, PSCIDs.
 * @module
 */
import { IommuError } from '../../errors.ts';
import { whole } from '../options.ts';

/** Numbers from a least one on; the lowest free one is handed out, as Linux does. */
export class IdPool {
  readonly #name: string;
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();

  constructor(name: string, first: number, last: number) {
    this.#name = name;
    this.#first = first;
    this.#last = last;
  }

  /**
   * Takes the number asked for, or the lowest that is free.
   * @throws IommuError `BAD_OPTION` where it is taken or outside, `NO_MEMORY` where none is left.
   */
  take(wanted: number | undefined): number {
    const id = whole(this.#name, wanted, 0, this.#last, this.#lowest());
    if (this.#taken.has(id)) {
      throw new IommuError(
        'BAD_OPTION',
        this.#name,
        `expected a number that no other domain of this unit uses, got ${id}`,
      );
    }
    this.#taken.add(id);
    return id;
  }

  /** Gives a number back; every entry that it tags must be invalidated. */
  give(id: number): void {
    this.#taken.delete(id);
  }

  #lowest(): number {
    let id = this.#first;
    while (this.#taken.has(id)) id++;
    if (id <= this.#last) return id;
    throw new IommuError('NO_MEMORY', this.#name, `expected a free number up to ${this.#last}, got none`);
  }
}
