// Answers as people and programs see them: each mutant's answer goes through one face.
import {
  answerToCsv,
  answerToHtml,
  answerToJson,
  answerToMarkdown,
  answerToNdjson,
  answerToSvg,
  answerToText,
  toJson,
} from '../../dist/report/index.js';

const STYLE = { width: 80, color: false, ascii: false, bytes: false, verbose: false, ruled: false };
const FACES = [
  (answer) => answerToText(answer, STYLE),
  (answer) => answerToHtml(answer, 'mutant'),
  answerToJson,
  (answer) => answerToText(answer, { ...STYLE, width: 40, color: true, ascii: true, bytes: true, verbose: true }),
  answerToCsv,
  (answer) => answerToMarkdown(answer),
  answerToSvg,
  answerToNdjson,
];
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e]/;
const SCRIPT = /<script(?! type="application\/json")|<[^>]*\son[a-z]+=/i;

/** What no face may let through; the terminal's control characters are shown by the printer, after the face. */
const CHECKS = new Map([
  [1, (text) => SCRIPT.exec(text)?.[0]],
  [
    2,
    (text) => {
      JSON.parse(text);
      return CONTROL.exec(text)?.[0];
    },
  ],
  [6, (text) => SCRIPT.exec(text)?.[0]],
]);

/** Shows an answer in the face that a number stands for. */
export function show(answer, number) {
  const face = number % FACES.length;
  const text = FACES[face](answer);
  const found = text === undefined ? undefined : CHECKS.get(face)?.(text);
  if (found !== undefined) throw new Error(`face ${face} lets ${JSON.stringify(found)} through`);
}

/** Shows data that has no answer yet as JSON. */
export function showData(data) {
  JSON.parse(toJson(data));
}
