/**
 * WebAssembly that a generated module carries as text.
 * @module
 */

/**
 * Gives the module of bytes as base64, compiled when it is first asked for; undefined where the engine cannot compile them: it has no
 * WebAssembly, or no SIMD.
 */
export function moduleOnce(base64: string): () => WebAssembly.Module | undefined {
  let made: { readonly compiled: WebAssembly.Module | undefined } | undefined;
  return () => {
    made ??= { compiled: compile(base64) };
    return made.compiled;
  };
}

function compile(base64: string): WebAssembly.Module | undefined {
  try {
    return new WebAssembly.Module(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
