/**
 * What the commands left in a queue say by themselves: whether the unit takes them, whether they are complete, their order.
 * A queue holds no table changes, so that it cannot tell a missing invalidation from one that nobody needed.
 * @module
 */
import type { PhysicalReader } from '../../bus.ts';
import type { Registers } from '../../hardware/bits.ts';
import { type Scope, scopeText } from '../../hardware/command.ts';
import {
  type CommandQueue,
  commandQueue,
  type QueueContents,
  type QueuedCommand,
  queueContents,
} from '../../hardware/queue.ts';
import { Findings } from './findings.ts';
import { checkerRules } from './rules.ts';
import type { CheckerRules, InvalidationFinding } from './types.ts';

/** A queue, its commands, and what they say. */
export interface QueueReport {
  readonly unit: string;
  readonly queue: CommandQueue;
  readonly contents: QueueContents;
  /** Commands by their name. */
  readonly counts: ReadonlyMap<string, number>;
  /** Invalidations that are consumed, with no completion behind them. */
  readonly pending: number;
  readonly findings: readonly InvalidationFinding[];
}

/** Invalidations of one batch that are compared with each other. */
const MOST_BATCH = 256;

/** Judges the command queue that registers lead to; undefined where there is none. */
export function judgeQueue(reader: PhysicalReader, iommu: string, registers: Registers): QueueReport | undefined {
  const rules = checkerRules(iommu, registers);
  const queue = commandQueue(iommu, registers);
  if (rules === undefined || queue === undefined) return undefined;
  const contents = queueContents(reader, queue);
  const judge = new QueueJudge(rules);
  for (const problem of queue.problems) judge.problem(problem);
  for (const command of contents.commands) judge.take(command);
  const { counts, findings, pending } = judge.finish();
  return { unit: iommu, queue, contents, counts, pending, findings };
}

class QueueJudge {
  readonly #rules: CheckerRules;
  readonly #findings = new Findings();
  readonly #counts: Map<string, number> = new Map();
  /** Invalidations since the last completion. */
  #batch: Scope[] = [];
  #pending = 0;
  #seen = 0;

  constructor(rules: CheckerRules) {
    this.#rules = rules;
  }

  problem(text: string): void {
    this.#findings.add('unpredictable', 0, text);
  }

  take({ index, command, words, state }: QueuedCommand): void {
    this.#seen++;
    const { name, scope, type } = command;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const where = `entry ${index}, ${name}`;
    if (scope.kind === 'illegal') {
      const why = type === undefined ? 'an unknown command' : 'illegal for the unit';
      this.#findings.add('unpredictable', this.#seen, `${where}: ${why}`);
    }
    for (const offence of this.#rules.decoder.offences(words, this.#rules.limits)) {
      this.#findings.count('unpredictable', offence, this.#seen, `${where}: ${offence}`);
    }
    if (scope.kind === 'completion') this.#complete(state);
    else if (scope.kind === 'tlb' || scope.kind === 'device-tlb' || scope.kind === 'config')
      this.#invalidation(where, scope, state);
  }

  finish(): { counts: ReadonlyMap<string, number>; findings: readonly InvalidationFinding[]; pending: number } {
    if (this.#pending > 0) {
      const text = `${this.#pending} consumed ${this.#pending === 1 ? 'invalidation has' : 'invalidations have'} no completion behind them at the moment of the dump`;
      this.#findings.add('not-completed', this.#seen, text, 0, 'warning');
    }
    return { counts: this.#counts, findings: this.#findings.list, pending: this.#pending };
  }

  /** A completion that waits has completed nothing yet. */
  #complete(state: QueuedCommand['state']): void {
    this.#batch = [];
    if (state === 'consumed') this.#pending = 0;
  }

  #invalidation(where: string, scope: Scope, state: QueuedCommand['state']): void {
    if (state === 'consumed') this.#pending++;
    if (scope.kind === 'device-tlb' && this.#rules.deviceLast && this.#batch.some((other) => isBehind(other, scope))) {
      this.#findings.count(
        'wrong-order',
        'device',
        this.#seen,
        `${where}: the unit's own invalidation had not completed`,
      );
    }
    const twin = this.#batch.find((other) => sameScope(other, scope));
    if (twin !== undefined) {
      const text = `${where} (${scopeText(scope)}): the same as an earlier one of its batch`;
      this.#findings.count('needless', 'twin', this.#seen, text).cost.commands++;
    } else if (this.#batch.length < MOST_BATCH) this.#batch.push(scope);
  }
}

/** A device's TLB asked for while the unit's own invalidation of the same addresses is not complete. */
function isBehind(other: Scope, device: Scope): boolean {
  if (other.kind !== 'tlb') return false;
  const all = other.pages === Number.POSITIVE_INFINITY || device.pages === Number.POSITIVE_INFINITY;
  return all || (other.first < device.first + device.pages && device.first < other.first + other.pages);
}

function sameScope(a: Scope, b: Scope): boolean {
  const place =
    a.kind === b.kind && a.first === b.first && a.pages === b.pages && a.walk === b.walk && a.level === b.level;
  const tag = a.domain === b.domain && a.space === b.space && a.stages === b.stages;
  const stream = a.stream === b.stream && a.streams === b.streams && a.substream === b.substream;
  return place && tag && stream && a.directory === b.directory;
}
