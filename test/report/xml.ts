/**
 * A strict little XML reader: enough to say whether a picture is well formed, and what its elements are.
 * @module
 */

/** One element, attributes decoded, text of its own joined. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const TAG = /<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|<!--[\s\S]*?-->|([^<]+)|(<)/gy;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  if (/(?![\n\r\t])[\p{Cc}\ufffe\uffff]/u.test(text)) throw new Error('control character');
  return text.replace(/&([^;\s&]*);|&/g, (whole, name: string | undefined) => {
    if (name === undefined) throw new Error(`bare & in ${text.slice(0, 60)}`);
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1).replace(/^x/, '0x')));
    const value = NAMED[name];
    if (value === undefined) throw new Error(`unknown entity ${whole}`);
    return value;
  });
}

function attributesOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/([\w:.-]+)="([^"<]*)"/g)) {
    if (found.has(name)) throw new Error(`attribute ${name} twice`);
    found.set(name, decode(value));
  }
  return found;
}

/** Reads a document; throws where it is not well formed. */
export function parseXml(source: string): XmlElement {
  const top: XmlElement = { name: '', attributes: new Map(), children: [], text: '' };
  const open = [top];
  for (const [whole, closing, name = '', attributes = '', empty, text, stray] of source.matchAll(TAG)) {
    const inner = open.at(-1);
    if (stray !== undefined || inner === undefined) throw new Error(`stray < in ${source.slice(0, 80)}`);
    if (text !== undefined) inner.text += decode(text);
    else if (closing === '/') {
      if (inner.name !== name) throw new Error(`</${name}> ends <${inner.name}>`);
      open.pop();
    } else if (!whole.startsWith('<!--')) {
      const element: XmlElement = { name, attributes: attributesOf(attributes), children: [], text: '' };
      inner.children.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  const [root] = top.children;
  if (open.length !== 1 || top.children.length !== 1 || root === undefined || top.text.trim() !== '') {
    throw new Error(`not one closed element: ${open.map(({ name }) => name).join(' ')}`);
  }
  return root;
}

/** All elements of a document in document order. */
export function* elements(root: XmlElement): Generator<XmlElement> {
  yield root;
  for (const child of root.children) yield* elements(child);
}

/** All text of a document, a string an element. */
export function textsOf(root: XmlElement): string[] {
  return [...elements(root)].map(({ text }) => text.trim()).filter((text) => text !== '');
}
