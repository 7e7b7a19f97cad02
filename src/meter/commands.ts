/**
 * Commands that a driver sent to its device, by kind.
 * @module
 */

/** Counts by name at one moment, or over one piece of work. */
export type CommandTotals = Readonly<Record<string, number>>;

/** Counts of one kind of unit; a kind is its index in `names`. Counting allocates nothing. */
export class CommandCounts {
  /** Kinds of commands, as the unit's specification names them. */
  readonly names: readonly string[];
  readonly #values: Float64Array;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#values = new Float64Array(names.length);
  }

  /** Counts one command of the kind at an index. */
  add(kind: number): void {
    this.#values[kind] = (this.#values[kind] as number) + 1;
  }

  /** A copy of the counts, every kind by its name. */
  snapshot(): CommandTotals {
    return Object.fromEntries(this.names.map((name, i) => [name, this.#values[i] as number]));
  }

  /** What was counted after `before` was taken. */
  since(before: CommandTotals): CommandTotals {
    return Object.fromEntries(this.names.map((name, i) => [name, (this.#values[i] as number) - (before[name] ?? 0)]));
  }

  /** Back to what they were at a snapshot; to zero without one. */
  restore(before: CommandTotals | undefined): void {
    for (let i = 0; i < this.names.length; i++) this.#values[i] = before?.[this.names[i] as string] ?? 0;
  }

  /** Back to zero. */
  reset(): void {
    this.#values.fill(0);
  }
}
