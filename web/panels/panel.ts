/**
 * What a panel of the page is.
 * @module
 */
import type { JSX } from 'preact';

/** A command of a panel: it stands in the palette, and may have a key. */
export interface Command {
  readonly title: string;
  /** A single key, such as `c`; none where it is reached by the palette only. */
  readonly key?: string;
  readonly run: () => void;
}

/** One panel: a module of its own. */
export interface Panel {
  /** Its name in the address: `#panel=fault`. */
  readonly id: string;
  readonly title: string;
  /** What has to be there for it to say something, in words. */
  readonly needs: string;
  readonly commands: readonly Command[];
  readonly View: () => JSX.Element;
}
