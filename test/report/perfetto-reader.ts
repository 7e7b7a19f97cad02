/**
 * A small reader of TrackEvent traces, on its own: it takes the wire format apart, checks that slices nest, and
 * gives back tracks, slices and counters.
 * @module
 */

/** A field of a message: its value is a number of 64 bits or bytes. */
interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** A slice; `depth` 0 is outermost. */
export interface ReadSlice {
  readonly name: string;
  readonly from: bigint;
  to: bigint | null;
  readonly depth: number;
  readonly details: Readonly<Record<string, string>>;
}

/** A track with what is on it. */
export interface ReadTrack {
  readonly name: string;
  readonly parent: string | null;
  readonly process: boolean;
  readonly counterUnit: bigint | null;
  readonly slices: ReadSlice[];
  readonly counts: { readonly time: bigint; readonly value: bigint | number }[];
  readonly instants: { readonly time: bigint; readonly name: string }[];
}

function varint(bytes: Uint8Array, at: number): [bigint, number] {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error(`varint cut at ${at}`);
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [value, at];
  }
  throw new Error(`varint of more than ten bytes before ${at}`);
}

/** The fields of a message in their order. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    const [tag, afterTag] = varint(bytes, at);
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    let value: bigint | Uint8Array;
    if (type === 0) [value, at] = varint(bytes, afterTag);
    else if (type === 1 || type === 2) {
      const [length, start] = type === 1 ? [8n, afterTag] : varint(bytes, afterTag);
      at = start + Number(length);
      if (at > bytes.length) throw new Error(`field ${number} ends behind the message`);
      value = bytes.subarray(start, at);
    } else throw new Error(`wire type ${type} of field ${number}`);
    fields.push({ number, value });
  }
  return fields;
}

function numberOf(fields: readonly Field[], number: number): bigint | undefined {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === 'bigint' ? value : undefined;
}

function bytesOf(fields: readonly Field[], number: number): Uint8Array | undefined {
  const value = fields.findLast((field) => field.number === number)?.value;
  return value instanceof Uint8Array ? value : undefined;
}

function textOf(fields: readonly Field[], number: number): string | undefined {
  const bytes = bytesOf(fields, number);
  return bytes === undefined ? undefined : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

function inner(fields: readonly Field[], number: number): Field[] | undefined {
  const bytes = bytesOf(fields, number);
  return bytes === undefined ? undefined : fieldsOf(bytes);
}

function doubleOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}

class Reader {
  readonly tracks = new Map<bigint, ReadTrack>();
  readonly #names = new Map<bigint, string>();
  readonly #open = new Map<bigint, ReadSlice[]>();
  readonly #last = new Map<bigint, bigint>();
  #packets = 0;

  packet(fields: Field[]): void {
    if (numberOf(fields, 10) !== 1n) throw new Error('packet without sequence id');
    if (numberOf(fields, 13) !== (this.#packets++ === 0 ? 1n : 2n)) throw new Error('wrong sequence flags');
    for (const { number, value } of inner(fields, 12) ?? []) {
      if (number !== 2 || typeof value === 'bigint') throw new Error(`interned data field ${number}`);
      const entry = fieldsOf(value);
      this.#names.set(numberOf(entry, 1) ?? 0n, textOf(entry, 2) ?? '');
    }
    const descriptor = inner(fields, 60);
    if (descriptor !== undefined) this.#describe(descriptor);
    const event = inner(fields, 11);
    if (event !== undefined) this.#event(event, numberOf(fields, 8) ?? -1n);
  }

  finish(): void {
    for (const [uuid, open] of this.#open)
      if (open.length > 0) throw new Error(`${open.length} open slices on track ${uuid}`);
  }

  #describe(fields: Field[]): void {
    const uuid = numberOf(fields, 1) ?? 0n;
    const parent = numberOf(fields, 5);
    const process = inner(fields, 3);
    if (this.tracks.has(uuid) || uuid === 0n) throw new Error(`track ${uuid} twice`);
    if (parent !== undefined && this.tracks.get(parent)?.process !== true)
      throw new Error(`parent ${parent} is no process`);
    if (process !== undefined && textOf(process, 6) !== textOf(fields, 2)) throw new Error('process name');
    this.tracks.set(uuid, {
      name: textOf(fields, 2) ?? '',
      parent: parent === undefined ? null : (this.tracks.get(parent)?.name ?? null),
      process: process !== undefined,
      counterUnit: numberOf(inner(fields, 8) ?? [], 3) ?? null,
      slices: [],
      counts: [],
      instants: [],
    });
  }

  #event(fields: Field[], time: bigint): void {
    const uuid = numberOf(fields, 11) ?? 0n;
    const track = this.tracks.get(uuid);
    if (track === undefined) throw new Error(`event on unknown track ${uuid}`);
    if (time < (this.#last.get(uuid) ?? 0n)) throw new Error(`time runs backwards on ${track.name}`);
    this.#last.set(uuid, time);
    const open = this.#open.get(uuid) ?? [];
    this.#open.set(uuid, open);
    const type = numberOf(fields, 9);
    if (type === 1n) {
      const slice = {
        name: this.#nameOf(fields),
        from: time,
        to: null,
        depth: open.length,
        details: detailsOf(fields),
      };
      open.push(slice);
      track.slices.push(slice);
    } else if (type === 2n) {
      const slice = open.pop();
      if (slice === undefined) throw new Error(`end without begin on ${track.name}`);
      slice.to = time;
    } else if (type === 3n) track.instants.push({ time, name: this.#nameOf(fields) });
    else if (type === 4n) track.counts.push({ time, value: counterValue(fields) });
    else throw new Error(`event type ${type}`);
  }

  #nameOf(fields: Field[]): string {
    const iid = numberOf(fields, 10);
    const name = iid === undefined ? textOf(fields, 23) : this.#names.get(iid);
    if (name === undefined) throw new Error(`name ${iid} was never sent`);
    return name;
  }
}

function detailsOf(fields: Field[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { number, value } of fields) {
    if (number !== 4 || typeof value === 'bigint') continue;
    const entry = fieldsOf(value);
    const double = bytesOf(entry, 5);
    const integer = numberOf(entry, 4);
    const text =
      textOf(entry, 6) ?? (double === undefined ? String(BigInt.asIntN(64, integer ?? 0n)) : String(doubleOf(double)));
    found[textOf(entry, 10) ?? ''] = text;
  }
  return found;
}

function counterValue(fields: Field[]): bigint | number {
  const integer = numberOf(fields, 30);
  if (integer !== undefined) return BigInt.asIntN(64, integer);
  return doubleOf(bytesOf(fields, 44) ?? new Uint8Array(0));
}

/** Reads a trace; throws where it is malformed or slices do not nest. */
export function readPerfetto(bytes: Uint8Array): ReadTrack[] {
  const reader = new Reader();
  for (const { number, value } of fieldsOf(bytes)) {
    if (number !== 1 || typeof value === 'bigint') throw new Error(`trace field ${number}`);
    reader.packet(fieldsOf(value));
  }
  reader.finish();
  return [...reader.tracks.values()];
}
