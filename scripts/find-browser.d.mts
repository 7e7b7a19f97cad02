/** The browser: `CHROMIUM_PATH`, or the first of the usual names on `PATH`; `undefined` if there is none. */
export function findBrowser(): string | undefined;
