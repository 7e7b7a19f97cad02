/**
 * The dropped files: what each was taken for, or why no reader took it, and a button that removes it.
 * @module
 */
import type { JSX } from 'preact';
import type { Evidence } from '../ask/protocol.ts';
import { files, hash } from '../state/app.ts';
import { evidenceOf, faultEvidence, isPassedOver } from '../state/evidence.ts';
import type { DroppedFile } from '../state/identify.ts';

const ROLE_WORDS: Readonly<Partial<Record<DroppedFile['role'], string>>> = {
  unknown: 'not understood',
  functions: 'function graph',
  machine: 'arguments of the emulator',
  traced: 'traced functions',
  beside: 'kept beside, not read here',
};

/** Lets a file count among those of its role: the last one does. */
function use(at: number): void {
  const chosen = files.value[at];
  if (chosen === undefined) return;
  const drop = 1 + Math.max(0, ...files.value.map((one) => one.drop ?? 0));
  files.value = [...files.value.filter((_, i) => i !== at), { ...chosen, drop }];
}

function FileItem({
  dropped,
  at,
  evidence,
}: {
  readonly dropped: DroppedFile;
  readonly at: number;
  /** What the open panel reads. */
  readonly evidence: Evidence;
}): JSX.Element {
  const { file, role, refused } = dropped;
  return (
    <li class={role === 'unknown' ? 'bad' : ''}>
      <span class="name">{file.name}</span> <span class="role">{ROLE_WORDS[role] ?? role}</span>
      {isPassedOver(evidence, dropped) ? (
        <>
          <span class="role">, not used</span>{' '}
          <button type="button" class="use" aria-label={`use ${file.name}`} onClick={() => use(at)}>
            use
          </button>
        </>
      ) : null}
      <button
        type="button"
        aria-label={`remove ${file.name}`}
        onClick={() => (files.value = files.value.filter((_, i) => i !== at))}
      >
        ×
      </button>
      {refused.length === 0 ? null : (
        <details open={files.value.length === 1}>
          <summary>why</summary>
          <ul>
            {refused.map((why) => (
              <li>{why}</li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

/** The files that were dropped, each with what it was taken for. */
export function FileList(): JSX.Element | null {
  if (files.value.length === 0) return null;
  const isFault = (hash.value.get('panel') ?? 'fault') === 'fault';
  const evidence = isFault ? faultEvidence(files.value) : evidenceOf(files.value);
  return (
    <ul class="files" aria-label="files">
      {files.value.map((dropped, at) => (
        <FileItem dropped={dropped} at={at} evidence={evidence} />
      ))}
    </ul>
  );
}
