/**
 * Copies of what is shown: a table as CSV, a picture as SVG.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';

const SHOWN_MS = 1500;

/** A button that copies a text, and says that it did or could not. */
export function CopyButton({ title, text }: { readonly title: string; readonly text: () => string }): JSX.Element {
  const said = useSignal('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      said.value = 'copied';
    } catch {
      said.value = 'the browser does not allow it';
    }
    setTimeout(() => {
      said.value = '';
    }, SHOWN_MS);
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()}>
      {title}
      <span role="status">{said.value === '' ? '' : `: ${said.value}`}</span>
    </button>
  );
}

const STYLES = ['fill', 'stroke', 'stroke-width', 'font-size', 'font-family'] as const;

/** A picture as a file of its own: the colours of the style sheet are written into it. */
export function svgText(picture: SVGSVGElement): string {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const [from, to] = [picture, copy].map((one) => [...one.querySelectorAll('*')]);
  for (const [i, element] of (to ?? []).entries()) {
    const original = from?.[i];
    if (original === undefined) continue;
    const style = getComputedStyle(original);
    for (const name of STYLES) element.setAttribute(name, style.getPropertyValue(name));
    element.removeAttribute('style');
    element.removeAttribute('class');
  }
  return new XMLSerializer().serializeToString(copy);
}
