import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

const PAGES = new URL('../', import.meta.url).pathname;

/** The first heading of a page. */
function titleOf(name: string): string {
  return /^# (.+)$/m.exec(readFileSync(`${PAGES}${name}`, 'utf8'))?.[1] ?? name;
}

const guides = readdirSync(PAGES)
  .filter((name) => name.endsWith('.md') && !['index.md', 'CHANGELOG.md'].includes(name))
  .map((name) => ({ text: titleOf(name), link: `/${name.replace(/\.md$/, '')}` }));

const rooms = readdirSync(`${PAGES}api`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ text: name, link: `/api/${name}/` }));

export default defineConfig({
  title: 'iommu-workbench',
  description: 'Explain DMA faults, read IOMMU page tables, replay traces, build and measure mappings.',
  outDir: '../dist',
  cleanUrls: true,
  themeConfig: {
    search: { provider: 'local' },
    sidebar: [
      { text: 'Guides', items: [{ text: 'Start', link: '/' }, ...guides, { text: 'Changelog', link: '/CHANGELOG' }] },
      { text: 'API, a page a room', items: rooms },
    ],
  },
});
