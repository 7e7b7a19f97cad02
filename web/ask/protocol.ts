/**
 * What the page and its worker say to each other. Files travel as handles and are read in the worker, piece by piece.
 * @module
 */
import type { Answer } from '../../src/report/answer.ts';

/** Files that a question is about; which role each has was found out when it was dropped. */
export interface Evidence {
  readonly log?: Blob;
  readonly dump?: Blob;
  readonly registers?: Blob;
  readonly traces?: readonly Blob[];
  readonly pci?: Blob;
  readonly groups?: Blob;
  readonly iomem?: Blob;
}

/** A question for the worker. */
export type Question =
  | { readonly ask: 'formats' }
  | { readonly ask: 'published'; readonly table: string }
  | { readonly ask: 'bench'; readonly format: string; readonly granule: number }
  | { readonly ask: 'explain'; readonly file: Blob }
  | { readonly ask: 'fault' | 'replay' | 'decode' | 'check'; readonly evidence: Evidence }
  | { readonly ask: 'walk'; readonly evidence: Evidence; readonly iova: string; readonly stream?: string };

/** To the worker. */
export interface Request {
  readonly id: number;
  readonly question: Question;
}

/** From the worker. */
export type Reply =
  | { readonly id: number; readonly kind: 'progress'; readonly text: string; readonly share?: number }
  | { readonly id: number; readonly kind: 'answer'; readonly answer: Answer }
  | { readonly id: number; readonly kind: 'failure'; readonly code: string; readonly message: string };
