/**
 * What the page and its worker say to each other. Files travel as handles and are read in the worker, piece by piece.
 * @module
 */
import type { LatencyModel } from '../../src/answers/latency-model.ts';
import type { ReplayChoices } from '../../src/answers/replay/choices.ts';
import type { Answer } from '../../src/report/answer.ts';
import type { AddressWindow, CallView } from '../../src/trace/call-view.ts';
import type { LeafRow } from '../explore/leaves.ts';
import type { TablesPicture } from '../explore/picture.ts';
import type { Asked } from '../explore/tables.ts';

/** Files that a question is about; which role each has was found out when it was dropped. */
export interface Evidence {
  readonly log?: Blob;
  readonly dump?: Blob;
  readonly registers?: Blob;
  readonly traces?: readonly Blob[];
  readonly pci?: Blob;
  readonly groups?: Blob;
  readonly iomem?: Blob;
  readonly metadata?: Blob;
  readonly version?: Blob;
  /** The log of the boot, and registers of any moment: they say which IOMMU the machine has. */
  readonly bootLog?: Blob;
  readonly anyRegisters?: Blob;
  /** Arguments of the emulator, and names of the functions that were traced. */
  readonly machine?: Blob;
  readonly traced?: Blob;
}

/** A trace, and the files beside it. */
export interface TraceSide {
  readonly trace: Blob;
  readonly beside: Evidence;
}

/** What a trace is asked for. */
export type TraceQuestion = 'mapped' | 'leaks' | 'double-maps';

/** A range of a trace, in nanoseconds of its clock. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** What of the engine is measured: everything, or maps of scattered lists only. */
export type BenchChoice = 'all' | 'scattered-maps';

/** A question that reads files or measures: it cancels the one before. */
export type Question =
  | { readonly ask: 'published'; readonly table: string }
  | { readonly ask: 'bench'; readonly format: string; readonly granule: number; readonly what: BenchChoice }
  | { readonly ask: 'explain'; readonly file: Blob; readonly beside: Evidence }
  | { readonly ask: 'fault' | 'decode' | 'check'; readonly evidence: Evidence }
  | { readonly ask: 'diff'; readonly a: Evidence; readonly b: Evidence }
  | { readonly ask: 'replay'; readonly evidence: Evidence; readonly wanted: TraceQuestion }
  | { readonly ask: 'compare'; readonly sides: readonly [TraceSide, TraceSide] };

/** A question about the trace that the worker has read. */
export type FollowUp =
  | { readonly ask: 'again'; readonly wanted: TraceQuestion }
  | { readonly ask: 'range'; readonly range: TimeRange; readonly addresses?: AddressWindow }
  | { readonly ask: 'range-rows'; readonly range: TimeRange; readonly choices: ReplayChoices };

/** A window of the trace that the worker has read; all of it where nothing is said. */
export interface LookAt {
  readonly ask: 'view';
  readonly range?: TimeRange;
  readonly addresses?: AddressWindow;
}

/** Tables to look at: of a list with the user's edits, or of a domain of a dump. */
export type ExploreSource =
  | { readonly kind: 'list'; readonly asked: Asked; readonly edits: readonly (readonly [number, bigint])[] }
  /** `domain`: its id, the first one where it is empty. `generation` changes with the files. */
  | { readonly kind: 'dump'; readonly evidence: Evidence; readonly generation: number; readonly domain: string };

/** The tables for one address, and what other addresses are translated to now. */
export interface Explore {
  readonly ask: 'explore';
  readonly source: ExploreSource;
  /** The address as it was typed; the first one where it is empty. */
  readonly at: string;
  readonly access: 'read' | 'write' | 'execute';
  readonly others: readonly bigint[];
}

/** Some of the leaves of tables. */
export interface Leaves {
  readonly ask: 'leaves';
  readonly source: ExploreSource;
  readonly from: number;
  readonly count: number;
}

/** The model of a latency table: a published one by its name, or a file. */
export interface AskModels {
  readonly ask: 'models';
  readonly table: string | Blob;
}

/** Leaves from number `from` on, and how many there are altogether. */
export interface LeafPage {
  readonly from: number;
  readonly total: number;
  readonly rows: readonly LeafRow[];
}

/** How a window of a trace looks. */
export interface TraceView extends CallView {
  /** Times of the first and the last call that was read by now. */
  readonly first: number;
  readonly last: number;
  /** The addresses that were looked at. */
  readonly within: AddressWindow | undefined;
  /** Names of the domains, by id. */
  readonly domains: readonly string[];
}

/** A question to the worker. */
export interface Request {
  readonly id: number;
  readonly question: AnyQuestion;
}

/** A further worker for the first one: it reads a trace, or replays its calls in rows. */
export type Helper = 'reading' | 'rows';

/** The port of a helper, or why there is none. */
export type HelperNews =
  | { readonly helper: Helper; readonly port: MessagePort }
  | { readonly helper: Helper; readonly missing: string };

/** What the worker gets: a question; news of a helper; or the order to be one for the worker behind a port. */
export type ToWorker = Request | HelperNews | { readonly helpAs: Helper; readonly port: MessagePort };

/** Questions that cancel nothing. */
export type Lookup = FollowUp | LookAt | Explore | Leaves | AskModels;

/** Everything that can be asked. */
export type AnyQuestion = Question | Lookup;

/** What comes back for a question. */
export type Result<Asked> = Asked extends LookAt
  ? TraceView | undefined
  : Asked extends Explore
    ? TablesPicture
    : Asked extends Leaves
      ? LeafPage
      : Asked extends AskModels
        ? readonly LatencyModel[]
        : Answer;

/** What comes back for any question. */
export type AnyResult = Answer | TraceView | TablesPicture | LeafPage | readonly LatencyModel[] | undefined;

/** From the worker. */
export type Reply =
  /** A helper is asked for. */
  | { readonly kind: 'helper'; readonly helper: Helper }
  /** It is not needed any more. */
  | { readonly kind: 'helper-over'; readonly helper: Helper }
  | {
      readonly id: number;
      readonly kind: 'progress';
      readonly text: string;
      readonly share?: number;
      readonly view?: TraceView;
    }
  | { readonly id: number; readonly kind: 'result'; readonly result: AnyResult }
  | { readonly id: number; readonly kind: 'failure'; readonly code: string; readonly message: string };
