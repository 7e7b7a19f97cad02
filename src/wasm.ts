/**
 * WebAssembly that a generated module carries as text.
 * @module
 */

/** The module of bytes as base64; undefined where the engine cannot compile them: it has no WebAssembly, or no SIMD. */
export function compiledModule(base64: string): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
