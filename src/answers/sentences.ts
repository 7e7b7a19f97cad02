/**
 * How sentences of answers begin.
 * @module
 */

/** A sentence that begins with a capital letter; one that begins with a name such as `arm-smmu-v3.0.auto` keeps it as it is. */
export function capital(text: string): string {
  const [first = ''] = text.split(/[ :,]/, 1);
  return /[-.\d]/.test(first) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
