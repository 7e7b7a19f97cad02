/**
 * What a kind of IOMMU gives the judge: an emulator that has one, its registers, and how to switch and flush it.
 * @module
 */
import type { QuirkName } from '../src/formats/quirks.ts';
import type { IommuModel } from '../src/hardware/iommu.ts';
import type { Fault } from '../src/hardware/walk/types.ts';
import type { Edu } from './edu.ts';
import type { Emulator } from './emulator.ts';
import type { Image } from './image.ts';
import type { Layout } from './layout.ts';
import type { Qtest } from './qtest.ts';

/** A record that the emulated unit left: its name in the specification and what is compared of it. */
export interface SeenEvent {
  readonly name: string;
  readonly iova?: bigint;
  /** A write rather than a read. */
  readonly write?: boolean;
  /** Every other field that both sides know by the same name. */
  readonly fields?: Readonly<Record<string, bigint>>;
}

/** Format and geometry of one set of tables. */
export interface Shape {
  readonly format: string;
  readonly granule: number;
  readonly ias: number;
  readonly oas: number;
  /** Quirks of the format, unless its own. */
  readonly quirks?: readonly QuirkName[];
}

/** Tables of one scene as the unit is asked to walk them. */
export interface SceneTables extends Shape {
  /** Registers of the format, by flat name. */
  readonly registers: Readonly<Record<string, bigint>>;
  /** Stage 2 tables that map every address of the layout to itself, behind these. */
  readonly stage2?: SceneTables;
}

/** Numbers from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/** One running emulator. */
export interface Session {
  readonly qtest: Qtest;
  readonly edu: Edu;
  readonly image: Image;
  readonly layout: Layout;
  /** Kind of IOMMU, as `createModel` names it, and its registers as the reader is given them. */
  readonly iommu: string;
  readonly registers: ReadonlyMap<string, bigint>;
  /** Id by which the unit knows the device. */
  readonly stream: number;
  /** Writes the configuration structures of a scene to the image; what may be set either way is drawn. */
  configure(tables: SceneTables, random: Random): void;
  /** Where the configuration structures of the device lie: bytes that mutants may flip, by name. */
  readonly structures: readonly { readonly name: string; readonly address: number; readonly bytes: number }[];
  /** Translation on, or all accesses passed. */
  enable(on: boolean): Promise<void>;
  /** Invalidates configuration and translation caches, and waits. */
  invalidate(): Promise<void>;
  /** Events since the last call; undefined where this emulator's unit records none that can be compared. */
  events(): Promise<readonly SeenEvent[] | undefined>;
  /** Whether a fault leaves a record, with the one that the reader gives; by default all but those of streams that abort. */
  leavesRecord?(event: SeenEvent | undefined, result: Fault): 'yes' | 'no' | 'either';
  /** Fields of records that this emulator leaves 0. */
  readonly unset?: ReadonlySet<string>;
  /** Whether a record's name is the reader's name for it; by default where the latter begins with it. */
  sameRecord?(ours: string, theirs: string): boolean;
  /** The reader of `src/hardware` over the image, with the emulated unit's registers. */
  model(): IommuModel;
  stop(): Promise<void>;
}

/** One kind of unit under one emulator. */
export interface Unit {
  readonly name: string;
  readonly program: string;
  /** First major version of the emulator that has it. */
  readonly since: number;
  /** Formats and geometries that scenes choose from. */
  readonly shapes: readonly (Shape & { readonly stage2?: Shape })[];
  start(emulator: Emulator): Promise<Session>;
}
