/**
 * A checker beside a live unit: it looks at the tables of watched domains before each command is judged.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import type { DomainTables, TranslationTag } from '../../hardware/iommu.ts';
import { type CheckerOptions, InvalidationChecker } from './checker.ts';
import { TableWatch } from './table-watch.ts';
import type { CheckerRules } from './types.ts';

interface Pending {
  readonly watch: TableWatch;
  readonly first: number;
  readonly pages: number;
}

/** Judges the calls of live domains. Give {@link LiveChecker.checker} to the unit as its observer. */
export class LiveChecker {
  readonly checker: InvalidationChecker;
  readonly #reader: PhysicalReader;
  #pending: Pending[] = [];

  constructor(reader: PhysicalReader, rules: CheckerRules, options: CheckerOptions = {}) {
    this.#reader = reader;
    const catchUp = (): void => {
      options.catchUp?.();
      this.#look();
    };
    this.checker = new InvalidationChecker(rules, { ...options, catchUp });
  }

  /** Watches the tables of a domain whose context gave a tag. */
  watch(tables: DomainTables, tag: TranslationTag): TableWatch {
    return new TableWatch(this.#reader, tables, tag, (change) => this.checker.changed(change));
  }

  /** A call that may change a range of a domain's addresses begins. */
  begin(watch: TableWatch, iova: number, bytes: number): void {
    const first = Math.floor(iova / 4096);
    this.#pending.push({ watch, first, pages: Math.ceil((iova + bytes) / 4096) - first });
  }

  /** The call has returned: strict ones promise that no device reaches what it removed. */
  end(watch: TableWatch, iova: number, bytes: number, strict = true): void {
    this.#look();
    this.#pending = this.#pending.filter((one) => one.watch !== watch);
    const first = Math.floor(iova / 4096);
    if (strict) this.checker.done(watch.tag, first, Math.ceil((iova + bytes) / 4096) - first);
  }

  #look(): void {
    for (const { watch, first, pages } of this.#pending) watch.scan(first, pages);
  }
}
