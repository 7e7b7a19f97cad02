// Lays out the pages of the site: the README as the first page, docs/ beside it, and the list of pages for the side bar.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const HERE = new URL('./', import.meta.url).pathname;
const ROOT = new URL('../', import.meta.url).pathname;
const PAGES = `${HERE}pages/`;

/** Links of a page to files that the site has; others (sources, captures, the licence) become plain text. */
function relink(text, names) {
  return text.replace(/\[([^\]]*)\]\((?!https?:|#)([^)]+)\)/g, (_, label, to) => {
    const [path = '', anchor = ''] = to.split('#');
    const name = path.replace(/^(?:\.\.\/|\.\/)*(?:docs\/)?/, '').replace(/^README\.md$/, 'index.md');
    return names.has(name) ? `[${label}](./${name}${anchor === '' ? '' : `#${anchor}`})` : label;
  });
}

/** Angle brackets in prose would be read as elements of Vue. */
function escapeTags(text) {
  let fenced = false;
  return text
    .split('\n')
    .map((line) => {
      if (line.startsWith('```')) fenced = !fenced;
      if (fenced) return line;
      const parts = line.split(/(`[^`]*`)/);
      return parts
        .map((part, i) => (i % 2 === 1 ? part.replace(/\{\{/g, '{ {') : part.replace(/<(?=[A-Za-z/])/g, '&lt;')))
        .join('');
    })
    .join('\n');
}

rmSync(PAGES, { recursive: true, force: true });
mkdirSync(PAGES, { recursive: true });
const docs = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
const names = new Set([...docs, 'index.md', 'CHANGELOG.md']);
const sources = [
  ['README.md', 'index.md'],
  ['CHANGELOG.md', 'CHANGELOG.md'],
  ...docs.map((name) => [`docs/${name}`, name]),
];
for (const [from, to] of sources) {
  writeFileSync(`${PAGES}${to}`, escapeTags(relink(readFileSync(`${ROOT}${from}`, 'utf8'), names)));
}
cpSync(`${ROOT}docs/pictures`, `${PAGES}pictures`, {
  recursive: true,
  force: true,
  errorOnExist: false,
  filter: () => true,
});
mkdirSync(`${PAGES}.vitepress`, { recursive: true });
cpSync(`${HERE}config.mts`, `${PAGES}.vitepress/config.mts`);
