import { describe, expect, test } from 'vitest';
import { BootGuard, createNames, createTraceReader, type TraceEvent } from '../../src/trace/index.ts';

function map(seconds: number): string {
  return `  dd-1 [000] .....  ${seconds.toFixed(6)}: map: IOMMU: iova=0x1000 - 0x2000 paddr=0x8000 size=4096\n`;
}

function group(what: 'add_device_to' | 'remove_device_from', seconds: number, device: string): string {
  return `  init-1 [000] .....  ${seconds.toFixed(6)}: ${what}_group: IOMMU: groupID=1 device=${device}\n`;
}

/** Feeds files to a guard; @returns how many events came through. */
function feed(...files: readonly string[]): number {
  let events = 0;
  const names = createNames();
  const guard = new BootGuard(() => events++);
  for (const [i, text] of files.entries()) {
    guard.begin(`file ${i + 1}`);
    const reader = createTraceReader('ftrace', (event: TraceEvent) => guard.event(event), names);
    reader.push(new TextEncoder().encode(text));
    reader.end();
    guard.end(reader.stats);
  }
  return events;
}

const HEADER = '# tracer: nop\n#\n# entries-in-buffer/entries-written: 1/1   #P:';

describe('files of one boot in the order of time', () => {
  test('pass, with gaps between them and processors that are a little apart', () => {
    expect(feed(map(1) + map(2), map(2.5), map(2.4995) + map(9))).toBe(5);
  });

  test('pass where a device leaves its group before it joins one again', () => {
    const first = group('add_device_to', 1, '0000:00:02.0') + group('remove_device_from', 2, '0000:00:02.0');
    expect(feed(first, group('add_device_to', 3, '0000:00:02.0'))).toBe(3);
  });

  test('pass where a file has no events', () => {
    expect(feed(map(1), '# tracer: nop\n', map(2))).toBe(2);
  });
});

describe('files that cannot be one trace are refused, naming both', () => {
  test('a clock that goes back', () => {
    expect(() => feed(map(5), map(1))).toThrow(
      /^file 2: expected files of one boot, .* got a first event at 1\.000000 s, before 5\.000000 s, where file 1 ends: another boot, the wrong order/,
    );
  });

  test('a clock that goes back beyond the file before', () => {
    expect(() => feed(map(5), '', map(4))).toThrow(/DIFFERENT_BOOTS/);
  });

  test('a device that joins its group a second time', () => {
    const joins = (seconds: number): string => group('add_device_to', seconds, '0000:00:02.0');
    expect(() => feed(joins(1), joins(7))).toThrow(
      /^file 2: .* got a device that joins the IOMMU group that it joined in file 1/,
    );
  });

  test('another number of processors', () => {
    expect(() => feed(`${HEADER}2\n${map(1)}`, `${HEADER}8\n${map(2)}`)).toThrow(
      /^file 2: .* got processors 8, not 2 as in file 1/,
    );
    expect(feed(`${HEADER}2\n${map(1)}`, `${HEADER}2\n${map(2)}`)).toBe(2);
  });
});
