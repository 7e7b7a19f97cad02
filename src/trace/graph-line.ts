/**
 * One line of function_graph output: an entry, an exit, a leaf call, or a remark. The printed indentation and the mark
 * before a duration (`+ ! # * @ $`) are decoration: nesting comes from entries and exits alone.
 * @module
 */

/** What a line says. */
export type GraphLineKind = 'enter' | 'exit' | 'leaf' | 'remark' | 'switch' | 'lost';

/** A parsed line of function_graph output. */
export interface GraphLine {
  readonly kind: GraphLineKind;
  readonly cpu: number;
  /** Process id where the line (or the `switch`) names one, else null. */
  readonly pid: number | null;
  readonly task: string;
  /** Time stamp in seconds as printed, else null. It orders lines and does not measure durations. */
  readonly seconds: number | null;
  /** Nanoseconds; null where none is printed. */
  readonly durationNs: number | null;
  /** Function of an entry, a leaf or an exit (empty where an exit does not say); text of a remark. */
  readonly text: string;
}

/** The common form, in one pass: stamp, processor, a task without blanks, duration. */
const COMMON = /^ *(\d+\.\d+) \| +(\d+)\) +(\S+)-(\d+) +\| (?:[+!#*@$ ] *(\d+\.\d+) us +| +)\| *(.*)$/;
const HEAD = /^\s*(?:(\d+\.\d+)\s+\|\s*)?(\d+)\)(.*)$/;
const SWITCH_FROM = /-\d+$/;
const SWITCH_TO = /^(\S.*)-(\d+)$/;
const TASK = /^\s*(\S.*?)-(\d+)\s+\|(.*)$/;
const FLAGS = /^\s*[.\w]{4,6}\s+\|(.*)$/;
const DURATION = /^\s*(?:[+!#*@$]\s*)?(\d+(?:\.\d+)?) us\s*\|(.*)$/;
const NO_DURATION = /^\s*\|(.*)$/;
const EXIT = /^\s*\}\s*(?:\/\*\s*([\w.$]+).*)?$/;
const CALL = /^\s*([A-Za-z_][\w.$]*)(?:\s+\[[\w-]+\])?\(.*\)\s*([{;])/;
const COMMON_BODY = /^([A-Za-z_]\w*)\(\)(?:;| (\{))$/;
const LOST = /LOST\s+\d+\s+EVENTS/;

/** `task-pid [cpu] flags stamp: funcgraph_entry: …`, as `trace-cmd report` and the plain trace file print calls and events. */
const REPORT = /^\s*(\S.*?)-(\d{1,20})\s+\[(\d{1,6})\]\s+(?:[.\w]{4,8}\s+)?(\d{1,12}\.\d{1,9}):\s+(\w+):\s(.*)$/;

/** Characters in which a process id with its hyphen stands. */
const MOST_PID = 24;

/** A duration is printed in microseconds; more than a year is a defect of the file. */
const MAX_US = 1e13;

interface Body {
  readonly kind: GraphLineKind;
  readonly text: string;
}

function bodyOf(text: string): Body | null {
  const whole = COMMON_BODY.exec(text);
  if (whole !== null) return { kind: whole[2] === '{' ? 'enter' : 'leaf', text: whole[1] ?? '' };
  const clean = text.trim();
  if (clean.startsWith('/*')) {
    return { kind: 'remark', text: clean.slice(2, clean.endsWith('*/') && clean.length > 3 ? -2 : undefined).trim() };
  }
  const exit = EXIT.exec(text);
  if (exit !== null) return { kind: 'exit', text: exit[1] ?? '' };
  const call = CALL.exec(text);
  if (call === null) return null;
  return { kind: call[2] === '{' ? 'enter' : 'leaf', text: call[1] ?? '' };
}

function splitDuration(rest: string): { durationNs: number | null; body: string } | null {
  const timed = DURATION.exec(rest);
  if (timed !== null) {
    const us = Number(timed[1]);
    return us < MAX_US ? { durationNs: Math.round(us * 1000), body: timed[2] ?? '' } : null;
  }
  const untimed = NO_DURATION.exec(rest);
  return untimed === null ? null : { durationNs: null, body: untimed[1] ?? '' };
}

function parseCommon(line: string): GraphLine | null {
  const match = COMMON.exec(line);
  if (match === null) return null;
  const body = bodyOf(match[6] ?? '');
  const us = Number(match[5] ?? 0);
  if (body === null || us >= MAX_US) return null;
  const durationNs = match[5] === undefined ? null : Math.round(us * 1000);
  const [cpu, pid, seconds] = [Number(match[2]), Number(match[4]), Number(match[1])];
  return { kind: body.kind, cpu, pid, task: match[3] ?? '', seconds, durationNs, text: body.text };
}

/** Longer lines are not of this output: the longest remark of a kernel is under 8 KiB. */
const LONGEST = 1 << 13;

/** Parses a line; null if it is not function_graph output (headers, rulers and empty lines included). */
export function parseGraphLine(line: string): GraphLine | null {
  if (line.length > LONGEST) return null;
  return parseCommon(line) ?? parseAny(line) ?? parseReport(line);
}

/** A line of `trace-cmd report`: a call with its duration, or an event, which is a remark inside a call. */
function parseReport(line: string): GraphLine | null {
  const match = REPORT.exec(line);
  if (match === null) return null;
  const [, task = '', pid, cpu, seconds, event = '', rest = ''] = match;
  const about = { cpu: Number(cpu), pid: Number(pid), task, seconds: Number(seconds) };
  if (!event.startsWith('funcgraph_')) {
    return { ...about, kind: 'remark', durationNs: null, text: `${event}: ${rest.trimStart()}` };
  }
  const timed = splitDuration(rest);
  const body = timed === null ? null : bodyOf(timed.body);
  return timed === null || body === null ? null : { ...about, ...body, durationNs: timed.durationNs };
}

/** True for a line that holds a call of function_graph: an entry, an exit or a whole call. */
export function isGraphCall(line: string): boolean {
  const kind = parseGraphLine(line)?.kind;
  return kind === 'enter' || kind === 'exit' || kind === 'leaf';
}

/** `task-pid => task-pid`: the match of the second, or null. */
function switchTo(text: string): RegExpExecArray | null {
  const at = text.lastIndexOf('=>');
  if (at < 0 || !SWITCH_FROM.test(text.slice(0, at).trim().slice(-MOST_PID))) return null;
  return SWITCH_TO.exec(text.slice(at + 2).trim());
}

function parseAny(line: string): GraphLine | null {
  if (LOST.test(line)) return { kind: 'lost', cpu: 0, pid: null, task: '', seconds: null, durationNs: null, text: '' };
  const head = HEAD.exec(line);
  if (head === null) return null;
  const [, stamp, cpuText, afterCpu = ''] = head;
  const cpu = Number(cpuText);
  const seconds = stamp === undefined ? null : Number(stamp);
  const change = afterCpu.includes('|') ? null : switchTo(afterCpu);
  if (change !== null) {
    return { kind: 'switch', cpu, pid: Number(change[2]), task: change[1] ?? '', seconds, durationNs: null, text: '' };
  }
  const task = TASK.exec(afterCpu);
  const afterTask = task === null ? afterCpu : (task[3] ?? '');
  const timed = splitDuration(afterTask) ?? splitDuration(FLAGS.exec(afterTask)?.[1] ?? '');
  const body = timed === null ? null : bodyOf(timed.body);
  if (timed === null || body === null) return null;
  const pid = task === null ? null : Number(task[2]);
  return { ...body, cpu, pid, task: task?.[1] ?? '', seconds, durationNs: timed.durationNs };
}
