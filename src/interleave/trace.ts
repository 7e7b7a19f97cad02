/**
 * A schedule as text: one line for each step.
 * @module
 */
import { IommuError } from '../errors.ts';
import type { Layout } from './layout.ts';
import { type Cell, highOf, lowOf, type Operation } from './operations.ts';
import { live } from './position.ts';
import type { Scenario } from './scenario.ts';
import { type Choice, NONE, type State, World } from './world.ts';

/** A schedule that was run again. */
export interface Replay {
  /** One line for each step: its number, the thread, the access, the words. */
  readonly lines: readonly string[];
  /** The rule that was broken; undefined if none was. */
  readonly rule: string | undefined;
}

/**
 * Runs a scenario by a schedule: the number of the choice before each step.
 * @throws IommuError `BAD_OPTION` if a number is not one of the choices there
 */
export function replay(scenario: Scenario, schedule: readonly number[]): Replay {
  const world = new World(scenario);
  const state = world.start(live);
  const lines: string[] = [];
  for (const [step, number] of schedule.entries()) {
    const choices = world.choices(state);
    const choice = choices[number];
    if (choice === undefined) {
      throw new IommuError(
        'BAD_OPTION',
        'schedule',
        `expected a choice below ${choices.length} at step ${step + 1}, got ${number}`,
      );
    }
    lines.push(`${String(step + 1).padStart(4)}  ${lineOf(scenario, world, state, choice)}`);
    const rule = world.step(state, choice);
    if (rule !== undefined) return { lines, rule };
  }
  if (world.finished(state)) return { lines, rule: world.end(state) };
  return { lines, rule: world.choices(state).length === 0 ? 'deadlock: every thread waits' : undefined };
}

function lineOf(scenario: Scenario, world: World, state: State, { thread, cell }: Choice): string {
  const name = thread === NONE ? 'cache' : (scenario.threads[thread]?.name ?? '');
  return `${name.padEnd(width(scenario))}  ${textOf(scenario, world, state, { thread, cell })}`;
}

function width({ threads }: Scenario): number {
  return Math.max(5, ...threads.map(({ name }) => name.length));
}

function textOf({ layout }: Scenario, world: World, state: State, { thread, cell }: Choice): string {
  if (thread === NONE) return line('writes back', wordText(layout, cell, state.words[cell] as number));
  if (cell !== NONE) {
    const buffer = state.buffers[thread] as number[];
    const at = buffer.findIndex((value, i) => i % 2 === 0 && value === cell);
    return line('now visible', wordText(layout, cell, buffer[at + 1] as number));
  }
  const operation = state.positions[thread]?.next as Operation;
  return operationText(layout, operation, world.resultOf(state, thread, operation));
}

function operationText(layout: Layout, operation: Operation, old: number): string {
  switch (operation.kind) {
    case 'load':
      return line('reads', wordText(layout, operation.cell, old));
    case 'load-memory':
      return line('reads memory', wordText(layout, operation.cell, old));
    case 'await':
      return line('has waited for', wordText(layout, operation.cell, old));
    case 'store':
      return line('writes', wordText(layout, operation.cell, operation.value));
    case 'update':
      return line(operation.name, `${wordText(layout, operation.cell, old)} -> ${hex(operation.change(old))}`);
    case 'load-pair':
      return line('reads', pairText(layout, operation, old));
    case 'swap-pair':
      return line(
        'compares, swaps',
        `${pairText(layout, operation, old)} -> ${swapped(operation.value, operation.expected, old)}`,
      );
    case 'clean':
      return line('cleans', layout.names[operation.cell] ?? '');
    default:
      return operation.kind;
  }
}

function line(verb: string, rest: string): string {
  return `${verb.padEnd(15)}  ${rest}`;
}

function wordText(layout: Layout, cell: Cell, value: number): string {
  return `${layout.names[cell]} ${hex(value)}`;
}

function pairText(layout: Layout, { low, high }: { readonly low: Cell; readonly high: Cell }, value: number): string {
  return `${layout.names[low]} ${hex(lowOf(value))}, ${layout.names[high]} ${hex(highOf(value))}`;
}

function swapped(value: number, expected: number, old: number): string {
  return old === expected ? `${hex(lowOf(value))}, ${hex(highOf(value))}` : 'unchanged';
}

function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
