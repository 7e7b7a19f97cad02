/**
 * A sample as lines of a terminal, and as one line where there is none.
 * @module
 */
import { formatUnit } from '../report/number.ts';
import type { PartySample } from './parties.ts';
import type { WatchSample } from './session.ts';

/** A terminal's size. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

function rate(value: number): string {
  return formatUnit(Math.round(value), 'count');
}

function bytes(value: number): string {
  return formatUnit(Math.round(value), 'bytes');
}

/** Characters that would move the cursor are left out: names come from the trace. */
function plain(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}

function partyLines(title: string, parties: readonly PartySample[], most: number): string[] {
  const rows = parties.slice(0, most).map(({ name, mapsPerSecond, unmapsPerSecond, liveBytes }) => {
    const numbers = [rate(mapsPerSecond), rate(unmapsPerSecond), bytes(liveBytes)].map((text) => text.padStart(10));
    return `  ${plain(name).slice(0, 32).padEnd(32)}${numbers.join('')}`;
  });
  const head = `${title.padEnd(34)}${['maps/s', 'unmaps/s', 'live'].map((text) => text.padStart(10)).join('')}`;
  return [head, ...(rows.length === 0 ? ['  none'] : rows)];
}

/** Characters of a line that was not understood. */
const SHOWN = 160;

/** The first lines that were not understood. */
function firstLines({ dropped: { firstLine, firstLogLine } }: WatchSample): string[] {
  const shown = (text: string): string => plain([...text.trim()].slice(0, SHOWN).join(''));
  return [
    ...(firstLine === null
      ? []
      : [`not understood, the first is line ${firstLine.line} of the trace: ${shown(firstLine.text)}`]),
    ...(firstLogLine === null ? [] : [`not understood, the first in the log: ${shown(firstLogLine)}`]),
  ];
}

function droppedText({ dropped }: WatchSample): string {
  const { events, lines, ofLines, log, logLines, restarts } = dropped;
  const parts = [
    ...(events > 0 ? [`${rate(events)} events lost by the kernel's buffers`] : []),
    ...(lines > 0 ? [`${rate(lines)} of ${rate(ofLines)} lines not understood`] : []),
    ...(logLines > 0 ? [`${rate(logLines)} lines of the log not understood`] : []),
    ...(log > 0 ? [`${rate(log)} messages of the log lost`] : []),
    ...(restarts > 0 ? ['live mappings counted anew'] : []),
  ];
  return parts.length === 0 ? 'dropped: nothing' : `dropped: ${parts.join(', ')}`;
}

function growingLines({ growing }: WatchSample): string[] {
  return growing
    .slice(0, 3)
    .map(
      ({ name, liveBytes, seconds, bytesPerSecond }) =>
        `growing: ${plain(name)} has ${bytes(liveBytes)} mapped, more for ${Math.round(seconds)} s (${bytes(bytesPerSecond)}/s): a leak, or it is filling up`,
    );
}

/** The last faults, the newest last. */
function faultLines({ faults }: WatchSample, recent: readonly string[], most: number): string[] {
  const head = `faults: ${rate(faults.total)} incidents in the log, ${rate(faults.traced)} as events now`;
  return [head, ...recent.slice(-most).map((text) => `  ${plain(text)}`)];
}

/** One incident in a line. */
export function faultText({ time }: WatchSample, fault: WatchSample['faults']['first'][number]): string {
  const device = fault.device === null ? '' : ` ${fault.device}:`;
  return `${time.toFixed(0)} s:${device} ${fault.iommu} ${fault.name}, ${fault.meaning}`;
}

/**
 * A sample as a screen.
 * @param recent - incidents so far, the newest last
 * @param notes - what cannot be seen
 */
export function screenLines(
  sample: WatchSample,
  recent: readonly string[],
  notes: readonly string[],
  { columns, rows }: ScreenSize,
): string[] {
  const unread = firstLines(sample);
  const left = Math.max(2, rows - 12 - notes.length - unread.length - Math.min(3, sample.growing.length));
  const share = Math.max(1, Math.floor(left / 3));
  const lines = [
    `iommu watch   ${sample.time.toFixed(0)} s   q or Ctrl-C ends`,
    '',
    `maps ${rate(sample.mapsPerSecond)}/s (${bytes(sample.mappedBytesPerSecond)}/s)   unmaps ${rate(sample.unmapsPerSecond)}/s (${bytes(sample.unmappedBytesPerSecond)}/s)   dma maps ${rate(sample.dmaMapsPerSecond)}/s`,
    `live since the start ${bytes(sample.liveBytes)} in ${rate(sample.liveLists)} mappings   ${droppedText(sample)}`,
    '',
    ...partyLines('device', sample.devices, share),
    '',
    ...partyLines('task', sample.tasks, share),
    '',
    ...growingLines(sample),
    ...faultLines(sample, recent, share),
    ...unread,
    ...notes,
  ];
  return lines.slice(0, rows - 1).map((line) => [...line].slice(0, columns - 1).join(''));
}

/** A sample as one line. */
export function sampleLine(sample: WatchSample): string {
  const [device] = sample.devices;
  const top = device === undefined ? '' : `  top ${plain(device.name)}`;
  const faults = sample.faults.count === 0 ? '' : `  faults ${sample.faults.count}`;
  const growing = sample.growing[0] === undefined ? '' : `  growing ${plain(sample.growing[0].name)}`;
  const [unread] = firstLines(sample);
  return `${sample.time.toFixed(0)} s  maps ${rate(sample.mapsPerSecond)}/s  unmaps ${rate(sample.unmapsPerSecond)}/s  live ${bytes(sample.liveBytes)}${top}${faults}${growing}  ${droppedText(sample)}${unread === undefined ? '' : `; ${unread}`}`;
}
