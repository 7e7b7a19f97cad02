/**
 * What a driver's file holds: its layouts as data, and how the values of an incident are decoded. docs/adding-a-fault-driver.md
 * explains it with an example.
 * @module
 */
import type { Draft } from './draft.ts';
import type { Decoded, Origin } from './incident.ts';
import type { Values } from './template.ts';

/** A layout of one printed line, or of several that say the same. */
export interface Layout {
  /** Short name, unique within the driver. */
  readonly id: string;
  /** Templates of the message behind the head, see template.ts. The first that matches counts. */
  readonly text: string | readonly string[];
  /** Kernels or programs that print it. */
  readonly seen?: string;
  /** A line of this layout always starts an incident. */
  readonly starts?: true;
  /** Lines of different groups never share an incident; a line without a group joins any. */
  readonly group?: string;
  /** The most lines of this layout in one incident; one where it is left out. */
  readonly repeats?: number;
  /** Values that must agree with those of the incident even where lines of this layout repeat. */
  readonly same?: readonly string[];
  /** Layouts that come last: behind them no line of this layout belongs to the incident. */
  readonly notAfter?: readonly string[];
  /**
   * The line stands without the driver's head: a later line of one print, or a print without any prefix. Unless
   * {@link starts} is set too, it is only looked for while an incident of the driver is open.
   */
  readonly headless?: true;
  /** What a line of this layout adds to the story of an incident, where its order in time matters. */
  readonly says?: string;
}

/** Lines and seconds that may lie between two lines of one incident. */
export interface Window {
  readonly lines: number;
  readonly seconds: number;
}

/** One driver's lines. */
export interface FaultDriver {
  /** As the answers name it: `arm-smmu`, `panfrost`. */
  readonly id: string;
  /** For people: `Arm SMMUv1 and SMMUv2`. */
  readonly title: string;
  readonly origin: Origin;
  /** Specification and driver sources that the layouts and bits were taken from. */
  readonly source: string;
  /** Literals, one of which stands in each line with a head, and in each headless line that starts an incident. */
  readonly marks: readonly string[];
  /** True where each line with a mark reports a fault: one that is in no layout is not understood, though it has no head. */
  readonly sure?: true;
  /** Templates of what stands before a message; `{unit:s}` and `{device:pci}` are kept. */
  readonly heads: readonly string[];
  readonly layouts: readonly Layout[];
  /** Templates of messages that report no fault: probing, information, consequences said elsewhere. */
  readonly quiet: readonly string[];
  /** Functions whose `callbacks suppressed` count lines of this driver. */
  readonly functions?: readonly string[];
  /** 32 lines and 0.5 s where it is left out. */
  readonly window?: Window;
  /** Drivers whose incidents are the same as this one's where the address agrees and the lines are neighbours. */
  readonly absorbs?: readonly string[];
  /**
   * False where a line contradicts the incident so far, though no value of one name differs: raw words against decoded ones.
   * The line then begins an incident of its own.
   */
  agrees?(draft: Draft, values: Values): boolean;
  /** True for a line that, beyond one with a comma at its end, goes on in the next: mail broke it. */
  goesOn?(text: string): boolean;
  /** Decodes the values of all lines of one incident. Called once, when the incident is complete. */
  decode(draft: Draft): Decoded;
}
