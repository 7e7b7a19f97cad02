/**
 * Escaping for HTML and XML.
 * @module
 */
import { escapeControlsOfJson } from './controls.ts';
import { plainText } from './plain.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as content or quoted attribute of HTML or XML; control characters are shown by their code. */
export function escapeMarkup(text: string): string {
  return plainText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** JSON for a `<script type="application/json">`: nothing in it can end the element or begin a comment. */
export function escapeJson(json: string): string {
  return escapeControlsOfJson(json).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
