// Mutants of one JavaScript module: small changes of the kinds that people make by mistake, each an edit of the text.
import { parseAst } from 'vite';

/** Operators and what each becomes. An operator with two entries gives two mutants. */
const BINARY = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
};
const LOGICAL = { '&&': '||', '||': '&&' };
const ASSIGNMENT = {
  '+=': '-=',
  '-=': '+=',
  '|=': '&=',
  '&=': '|=',
  '^=': '|=',
  '*=': '/=',
  '/=': '*=',
  '<<=': '>>>=',
};
const UPDATE = { '++': '--', '--': '++' };

/** One character after the operator between two operands, found behind the left one. */
function operatorAt(text, from, operator) {
  return text.indexOf(operator, from);
}

function isText(node) {
  return (node.type === 'Literal' && typeof node.value === 'string') || node.type === 'TemplateLiteral';
}

function* ofBinary(node, text) {
  if (node.operator === '+' && (isText(node.left) || isText(node.right))) return;
  const at = operatorAt(text, node.left.end, node.operator);
  for (const other of BINARY[node.operator] ?? []) {
    yield { kind: 'operator', start: at, end: at + node.operator.length, by: other };
  }
}

function* ofReplaced(node, text, table, from) {
  const other = table[node.operator];
  if (other === undefined) return;
  const at = operatorAt(text, from, node.operator);
  yield { kind: 'operator', start: at, end: at + node.operator.length, by: other };
}

/** A number one larger and one smaller; a constant of several bits also without its lowest bit. */
function* ofNumber(node) {
  const { value, start, end } = node;
  const [one, suffix] = typeof value === 'bigint' ? [1n, 'n'] : [1, ''];
  yield { kind: 'constant', start, end, by: `${value + one}${suffix}` };
  if (value > 0) yield { kind: 'constant', start, end, by: `${value - one}${suffix}` };
}

/** `list[i] ?? 0`: the compiler asks for the default although no such read may find nothing. */
function isIndexedDefault({ operator, left, right }) {
  return operator === '??' && left.type === 'MemberExpression' && left.computed && right.type === 'Literal';
}

function* ofLiteral(node) {
  const { value, start, end } = node;
  if (typeof value === 'boolean') yield { kind: 'constant', start, end, by: String(!value) };
  else if (typeof value === 'bigint' || Number.isSafeInteger(value)) yield* ofNumber(node);
}

function* ofUnary(node, text) {
  if (!['!', '-', '~'].includes(node.operator) || node.argument.type === 'Literal') return;
  const inner = text.slice(node.argument.start, node.argument.end);
  yield { kind: 'operator', start: node.start, end: node.end, by: `(${inner})` };
}

function* ofCondition({ test }, text) {
  if (
    test === null ||
    test.type === 'Literal' ||
    (test.type === 'BinaryExpression' && /^[!=]==$/.test(test.operator))
  ) {
    return;
  }
  yield { kind: 'condition', start: test.start, end: test.end, by: `!(${text.slice(test.start, test.end)})` };
}

function* ofReturn({ argument }) {
  if (argument === null || argument.type === 'Identifier' || argument.type === 'Literal') return;
  yield { kind: 'return', start: argument.start, end: argument.end, by: 'undefined' };
}

/** Statements whose removal leaves a program: calls, assignments, and jumps that carry no value. */
function* ofStatement(node) {
  const { type } = node.expression;
  const isSuper = type === 'CallExpression' && node.expression.callee.type === 'Super';
  if (isSuper || type === 'Literal') return;
  yield { kind: 'statement', start: node.start, end: node.end, by: ';' };
}

const OPERATORS = {
  BinaryExpression: ofBinary,
  LogicalExpression: (node, text) => ofReplaced(node, text, LOGICAL, node.left.end),
  AssignmentExpression: (node, text) => ofReplaced(node, text, ASSIGNMENT, node.left.end),
  UpdateExpression: (node, text) => ofReplaced(node, text, UPDATE, node.prefix ? node.start : node.argument.end),
  UnaryExpression: ofUnary,
  Literal: ofLiteral,
  IfStatement: ofCondition,
  ConditionalExpression: ofCondition,
  ReturnStatement: ofReturn,
  ExpressionStatement: ofStatement,
};

/** What a fault in it would show in no answer: imports, and the texts of errors. */
const PASSED_BY = new Set(['ImportDeclaration', 'ExportAllDeclaration', 'TemplateLiteral']);

function* childrenOf(node) {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) yield* value.filter((each) => typeof each?.type === 'string');
    else if (typeof value?.type === 'string') yield value;
  }
}

function* mutantsOfNode(node, text) {
  if (PASSED_BY.has(node.type)) return;
  for (const mutant of OPERATORS[node.type]?.(node, text) ?? []) yield { ...mutant, reach: node.start };
  for (const child of childrenOf(node)) {
    const isDefault = child === node.right && isIndexedDefault(node);
    for (const mutant of mutantsOfNode(child, text)) yield isDefault ? { ...mutant, kind: 'default' } : mutant;
  }
}

/** All mutants of a module's text, in the order of the text: `{ kind, start, end, by }`, and the place that a test must `reach`. */
export function mutantsOf(text) {
  const mutants = [...mutantsOfNode(parseAst(text), text)];
  return mutants.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The text with the mutant in it. */
export function applied(text, { start, end, by }) {
  return text.slice(0, start) + by + text.slice(end);
}
