/**
 * Errors as plain data, so that they cross from one thread to another.
 * @module
 */
import { type ErrorFields, type InputCode, InputError } from '../../errors.ts';

/** An error as plain data. */
export type ThreadFailure =
  | {
      readonly input: true;
      readonly code: InputCode;
      readonly source: string;
      readonly message: string;
      readonly fields: ErrorFields;
    }
  | { readonly input: false; readonly message: string };

/** An error as plain data. */
export function failureOf(cause: unknown): ThreadFailure {
  if (!(cause instanceof InputError)) {
    return { input: false, message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) };
  }
  const { code, source, fields, message } = cause;
  const suffix = ` (${code})`;
  return { input: true, code, source, fields, message: message.slice(`${source}: `.length, -suffix.length) };
}

/** The error again. */
export function errorOf(failure: ThreadFailure): Error {
  if (!failure.input) return new Error(failure.message);
  return new InputError(failure.code, failure.source, failure.message, failure.fields);
}
