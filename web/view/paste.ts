/**
 * Pasting long texts: browsers insert them line by line with undo steps, which takes seconds for a log.
 * @module
 */

/** Texts from this length on are set at once. */
const LONG = 4096;

/** Handles `paste` of a box: a long text replaces the selection in one step. */
export function pasteAtOnce(event: ClipboardEvent & { readonly currentTarget: HTMLTextAreaElement }): void {
  const text = event.clipboardData?.getData('text/plain') ?? '';
  if (text.length < LONG) return;
  event.preventDefault();
  const box = event.currentTarget;
  box.setRangeText(text, box.selectionStart, box.selectionEnd, 'end');
  box.dispatchEvent(new InputEvent('input', { bubbles: true }));
}
