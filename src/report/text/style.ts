/**
 * How text pictures are drawn.
 * @module
 */

/** Width in characters, and whether only ASCII may be used. */
export interface TextStyle {
  readonly width: number;
  readonly ascii: boolean;
}
