/**
 * The palette: every command by name, with its key.
 * @module
 */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Command } from '../panels/panel.ts';

function matching(commands: readonly Command[], text: string): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/);
  return commands.filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)));
}

/** The dialog; `open` says whether it is shown. */
export function Palette({
  open,
  commands,
}: {
  readonly open: Signal<boolean>;
  readonly commands: readonly Command[];
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const text = useSignal('');
  useEffect(() => {
    if (open.value) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open.value]);
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    open.value = false;
    text.value = '';
    command.run();
  };
  const shown = matching(commands, text.value);
  return (
    <dialog class="palette" ref={dialog} aria-label="commands" onClose={() => (open.value = false)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(shown[0]);
        }}
      >
        <input
          type="text"
          aria-label="find a command"
          placeholder="Find a command"
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </form>
      <ul>
        {shown.map((command) => (
          <li>
            <button type="button" class="quiet" onClick={() => run(command)}>
              <span>{command.title}</span>
              {command.key === undefined ? null : <kbd>{command.key}</kbd>}
            </button>
          </li>
        ))}
      </ul>
    </dialog>
  );
}
