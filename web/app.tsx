/**
 * The page around the panels: tabs, files, keyboard and palette.
 * @module
 */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { headOf } from './ask/chunks.ts';
import { PANELS } from './panels/index.ts';
import type { Command, Panel } from './panels/panel.ts';
import { files, followAddress, hash, openPanel } from './state/app.ts';
import { filesOfDrop } from './state/dropped.ts';
import { type DroppedFile, identify, MOST_LIST } from './state/identify.ts';
import { focusSearch, followKeys, moveFocus } from './state/keys.ts';
import { nextTheme, setTheme, THEMES, theme } from './state/theme.ts';
import { Palette } from './view/palette.tsx';

const PANEL_OF_ROLE: Readonly<Partial<Record<DroppedFile['role'], string>>> = {
  log: 'fault',
  dump: 'dump',
  trace: 'trace',
  functions: 'trace',
  latency: 'latency',
};

/** Drops so far. */
let drops = 0;

/** Takes files in, and opens the panel that the last of them is for; that of faults where a log came along, to which the others are evidence. */
async function take(list: Iterable<File>): Promise<void> {
  const drop = ++drops;
  const found = (await Promise.all([...list].map(identify))).map((one) => ({ ...one, drop }));
  files.value = [...files.value, ...found.filter(({ role }) => role !== 'list')];
  const typed = found.findLast(({ role }) => role === 'list');
  if (typed !== undefined) {
    openPanel('explorer', {
      list: new TextDecoder().decode(await headOf(typed.file, MOST_LIST)).trim(),
      of: '',
      edits: '',
      at: '',
    });
    return;
  }
  const panels = found.flatMap(({ role }) => PANEL_OF_ROLE[role] ?? []);
  const panel = panels.includes('fault') ? 'fault' : panels.at(-1);
  if (panel !== undefined) openPanel(panel, panel === 'latency' ? { show: 'file' } : {});
}

/** Files that `iommu ui` serves beside the page, by number; their names stand in the page. */
async function takeServed(): Promise<void> {
  const names: unknown = JSON.parse(document.getElementById('opened')?.textContent ?? '[]');
  if (!Array.isArray(names) || names.length === 0) return;
  const served = names.map(async (name, i) => new File([await (await fetch(`files/${i}`)).blob()], String(name)));
  await take(await Promise.all(served));
}

function useDrop(over: Signal<boolean>): void {
  useEffect(() => {
    const onOver = (event: DragEvent): void => {
      event.preventDefault();
      over.value = true;
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) over.value = false;
    };
    const onDrop = (event: DragEvent): void => {
      event.preventDefault();
      over.value = false;
      if (event.dataTransfer !== null) void filesOfDrop(event.dataTransfer).then(take);
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, []);
}

function FileButton(): JSX.Element {
  const over = useSignal(false);
  useDrop(over);
  return (
    <label class={over.value ? 'drop over' : 'drop'}>
      <input
        type="file"
        multiple
        onChange={({ currentTarget }) => {
          void take([...(currentTarget.files ?? [])]);
          // the same files can be chosen again
          currentTarget.value = '';
        }}
      />
      <span>
        {over.value ? (
          'Drop to read them here'
        ) : (
          <>
            Open <span class="drop-words">or drop </span>files
          </>
        )}
      </span>
    </label>
  );
}

function Tabs({ open }: { readonly open: string }): JSX.Element {
  return (
    <nav aria-label="panels">
      {PANELS.map(({ id, title, needs }, i) => (
        <a
          href={`#panel=${id}`}
          title={`${i + 1}: needs ${needs}`}
          aria-current={id === open ? 'page' : undefined}
          onClick={(event) => {
            event.preventDefault();
            openPanel(id);
          }}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

async function copyLink(): Promise<void> {
  await navigator.clipboard.writeText(location.href);
}

/** Commands of a panel that is not open: each opens it first, and has no key here. */
function commandsElsewhere({ id, title, commands }: Panel): Command[] {
  return commands.map((command) => ({
    title: command.title.startsWith(`${title}: `) ? command.title : `${title}: ${command.title}`,
    run: () => {
      openPanel(id);
      command.run();
    },
  }));
}

function commandsOf(panel: Panel | undefined, palette: Signal<boolean>): Command[] {
  return [
    ...PANELS.map(({ id, title }, i) => ({ title: `Go to ${title}`, key: String(i + 1), run: () => openPanel(id) })),
    { title: 'Go to the box of this panel', key: '/', run: focusSearch },
    { title: 'Next row or section', key: 'j', run: () => moveFocus(1) },
    { title: 'Row or section before', key: 'k', run: () => moveFocus(-1) },
    { title: 'Copy a link to this state', key: 'c', run: () => void copyLink() },
    { title: 'Undo: back to the state before', key: 'z', run: () => history.back() },
    { title: 'List all commands', key: '?', run: () => (palette.value = true) },
    { title: 'Next theme: as the system, light, dark', key: 't', run: nextTheme },
    ...THEMES.map((name) => ({
      title: `Theme: ${name === 'system' ? 'as the system' : name}`,
      run: () => setTheme(name),
    })),
    ...(panel?.commands ?? []),
    ...PANELS.filter((other) => other !== panel).flatMap(commandsElsewhere),
  ];
}

/** The page. */
export function App(): JSX.Element {
  const palette = useSignal(false);
  const wanted = hash.value.get('panel');
  const panel = PANELS.find(({ id }) => id === wanted) ?? PANELS[0];
  const commands = commandsOf(panel, palette);
  useLayoutEffect(followAddress, []);
  useEffect(() => void takeServed(), []);
  useLayoutEffect(
    () =>
      followKeys(
        () => commands,
        () => (palette.value = true),
      ),
    [panel],
  );
  return (
    <>
      <header>
        <h1>iommu-workbench</h1>
        <Tabs open={panel?.id ?? ''} />
        <div class="tools">
          <FileButton />
          <button type="button" class="quiet" title="light, dark, or as the system" onClick={nextTheme}>
            {theme.value === 'system' ? 'Theme' : theme.value === 'light' ? 'Light' : 'Dark'} <kbd>t</kbd>
          </button>
          <button type="button" class="quiet" title="commands and keys" onClick={() => (palette.value = true)}>
            Keys <kbd>?</kbd>
          </button>
        </div>
      </header>
      <main>{panel === undefined ? null : <panel.View />}</main>
      <footer>Everything is computed on this page. Nothing is uploaded.</footer>
      <Palette open={palette} commands={commands} />
    </>
  );
}
