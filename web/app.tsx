/**
 * The page around the panels: tabs, the drop zone, the list of files.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { PANELS } from './panels/index.ts';
import { files, followAddress, hash, setHash } from './state/app.ts';
import { type DroppedFile, identify } from './state/identify.ts';

const PANEL_OF_ROLE: Readonly<Partial<Record<DroppedFile['role'], string>>> = {
  log: 'fault',
  dump: 'dump',
  trace: 'trace',
};

/** Takes files in, and opens the panel that the last of them is for. */
async function take(list: Iterable<File>): Promise<void> {
  const found = await Promise.all([...list].map(identify));
  files.value = [...files.value, ...found];
  const panel = found.map(({ role }) => PANEL_OF_ROLE[role]).find((id) => PANELS.some((one) => one.id === id));
  if (panel !== undefined) setHash({ panel });
}

function FileList(): JSX.Element | null {
  if (files.value.length === 0) return null;
  return (
    <ul class="files" aria-label="files">
      {files.value.map(({ file, role, refused }, i) => (
        <li class={role === 'unknown' ? 'bad' : ''}>
          <span class="name">{file.name}</span> <span class="role">{role === 'unknown' ? 'not understood' : role}</span>
          <button
            type="button"
            aria-label={`remove ${file.name}`}
            onClick={() => (files.value = files.value.filter((_, at) => at !== i))}
          >
            ×
          </button>
          {refused.length === 0 ? null : (
            <ul>
              {refused.map((why) => (
                <li>{why}</li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}

function DropZone(): JSX.Element {
  const over = useSignal(false);
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    over.value = false;
    void take(event.dataTransfer?.files ?? []);
  };
  useEffect(() => {
    const stop = (event: DragEvent): void => event.preventDefault();
    addEventListener('dragover', stop);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', stop);
      removeEventListener('drop', onDrop);
    };
  }, []);
  return (
    <label class="drop">
      <input type="file" multiple onChange={(event) => void take(event.currentTarget.files ?? [])} />
      <span>Drop logs, dumps, registers and traces anywhere, or choose files. Nothing leaves this page.</span>
    </label>
  );
}

function Tabs({ open }: { readonly open: string }): JSX.Element {
  return (
    <nav aria-label="panels">
      {PANELS.map(({ id, title }) => (
        <a href={`#panel=${id}`} aria-current={id === open ? 'page' : undefined} onClick={() => setHash({ panel: id })}>
          {title}
        </a>
      ))}
    </nav>
  );
}

/** The page. */
export function App(): JSX.Element {
  useEffect(followAddress, []);
  const wanted = hash.value.get('panel');
  const panel = PANELS.find(({ id }) => id === wanted) ?? PANELS[0];
  return (
    <>
      <header>
        <h1>iommu-workbench</h1>
        <Tabs open={panel?.id ?? ''} />
      </header>
      <main>
        <DropZone />
        <FileList />
        {panel === undefined ? null : <panel.View />}
      </main>
    </>
  );
}
