/**
 * Where a call stands in a tree: some neighbouring entries of one table. A tree has one such object for calls that map
 * or unmap a run, and one for each depth for those that search a range.
 * @module
 */

/** Pages in one table: `count` of them from entry `index` on, `slots` entries each, the first for address `iova`. */
export class Place {
  /** Depth of the table; −1 where no level has pages of the size asked for. */
  depth = 0;
  /** Byte offset of the table. */
  table = 0;
  /** Index of the first entry. */
  index = 0;
  /** Neighbouring entries of a page. */
  slots = 1;
  /** Pages. */
  count = 0;
  /** Input address of the first entry, or of where in it a range begins. */
  iova = 0;

  /** Entries of all its pages. */
  get entries(): number {
    return this.count * this.slots;
  }

  /** Chooses other pages of the same table. */
  select(index: number, slots: number, count: number): void {
    this.index = index;
    this.slots = slots;
    this.count = count;
  }
}
