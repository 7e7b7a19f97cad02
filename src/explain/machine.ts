/**
 * What kind of machine a trace was recorded on, from the files beside it.
 * @module
 */

/** `hardware`: times are those of the machine; `kvm`: of a guest on hardware; `emulated`: of an emulator. */
export type MachineKind = 'hardware' | 'kvm' | 'emulated';

/** A machine kind and how it is known. */
export interface Machine {
  readonly kind: MachineKind;
  readonly from: string;
}

const KINDS: readonly MachineKind[] = ['hardware', 'kvm', 'emulated'];

function parse(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `machine` names the kind, `machineEvidence` how it was told. */
function fromMetadata(metadata: unknown): Machine | null {
  if (typeof metadata !== 'object' || metadata === null) return null;
  const { machine, machineEvidence } = metadata as { machine?: unknown; machineEvidence?: unknown };
  const named = typeof machine === 'object' && machine !== null ? (machine as { kind?: unknown }).kind : machine;
  const kind = KINDS.find((one) => one === named);
  if (kind === undefined) return null;
  const evidence = typeof machineEvidence === 'string' ? `: ${machineEvidence}` : '';
  return { kind, from: `metadata.json${evidence}` };
}

/** QEMU emulates unless it is told to use KVM. */
function fromQemu(args: unknown): Machine | null {
  if (!Array.isArray(args)) return null;
  const words = args.filter((word): word is string => typeof word === 'string');
  const options = words.flatMap((word, at) => {
    if (word === '-enable-kvm') return ['kvm'];
    const value = words[at + 1] ?? '';
    if (word === '-accel') return [value.split(',')[0] ?? ''];
    return word === '-machine' || word === '-M' ? (/\baccel=(\w+)/.exec(value)?.slice(1) ?? []) : [];
  });
  if (options.length === 0) return { kind: 'emulated', from: 'qemu-args.json: no accelerator, so QEMU emulates' };
  const kvm = options.includes('kvm') && !options.includes('tcg');
  return { kind: kvm ? 'kvm' : 'emulated', from: `qemu-args.json, accelerator ${options.join(', ')}` };
}

/**
 * Judges a machine by `metadata.json` and, failing that, by QEMU's arguments (`qemu-args.json`); unknown counts as emulated.
 * @param metadata - text of `metadata.json`, null if there is none
 * @param qemuArgs - text of `qemu-args.json`, null if there is none
 */
export function machineOf(metadata: string | null, qemuArgs: string | null): Machine {
  const known = fromMetadata(parse(metadata)) ?? fromQemu(parse(qemuArgs));
  return known ?? { kind: 'emulated', from: 'nothing beside the trace tells: unknown counts as emulated' };
}
