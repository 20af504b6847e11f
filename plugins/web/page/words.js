// SPDX-License-Identifier: Apache-2.0
// Sizes, times and errors in words.

const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** "1.2 MB"; a byte count that is not known is a dash. */
export function size(bytes) {
  if (!Number.isFinite(bytes)) return "–";
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    ++unit;
  }
  return new Intl.NumberFormat(undefined, {
    style: "unit", unit: units[unit], unitDisplay: unit === 0 ? "long" : "short", maximumFractionDigits: bytes < 10 && unit > 0 ? 1 : 0,
  }).format(bytes);
}

const sameYear = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});
const otherYear = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short", year: "numeric"});

/** A day and a time, or a day of another year. */
export function when(date) {
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) return "–";
  return (date.getFullYear() === new Date().getFullYear() ? sameYear : otherYear).format(date);
}

const dayOnly = new Intl.DateTimeFormat(undefined, {day: "numeric", month: "short"});

/** The day alone, where there is little room. */
export function day(date) {
  if (!(date instanceof Date) || Number.isNaN(date.getTime())) return "";
  return (date.getFullYear() === new Date().getFullYear() ? dayOnly : otherYear).format(date);
}

export function count(number, one, many) {
  return number === 1 ? `1 ${one}` : `${new Intl.NumberFormat().format(number)} ${many}`;
}

/** A name as it is shown inside of a sentence. */
export function quoted(name) {
  return `“${name}”`;
}

/** What failed (a sentence about what and where), and what to do. `status` is of HTTP, or 0 for a broken connection. */
export class Failure extends Error {
  constructor(what, advice, status = 0) {
    super(`${what} ${advice}`);
    this.what = what;
    this.advice = advice;
    this.status = status;
  }
}

/** Somebody changed his mind; nothing is to be told. */
export class Cancelled extends Error {}

function wait(seconds) {
  if (!(seconds > 1)) return "Wait a moment, then try again.";
  return seconds < 100 ? `Wait ${seconds} seconds, then try again.` : `Wait ${Math.ceil(seconds / 60)} minutes, then try again.`;
}

const advice = {
  0: () => "The connection to the server broke. Check your network, then try again.",
  400: (a) => `The server did not understand the request${a.said}.`,
  401: () => "Your login has ended. Log in again.",
  403: (a) => `You have no right to do this here${a.said}. A manager of the space can change that.`,
  404: () => "It is not there any more. Somebody may have moved or deleted it: open the folder again.",
  405: () => "There is something of that name already. Choose another name.",
  409: () => "The folder that it belongs into is not there any more. Go back to a folder above it.",
  412: () => "There is something of that name already, or it has changed meanwhile. Open the folder again.",
  413: () => "It is larger than the server takes.",
  423: () => "Somebody is working on it and has locked it. Try again later, or ask who that is.",
  425: () => "The server is still working on it. Try again in a moment.",
  429: (a) => `Too many requests. ${wait(a.retry)}`,
  501: () => "This server cannot do that.",
  502: () => "A server in between does not answer. Try again in a moment.",
  503: (a) => `The server cannot tell or do this now, and nothing is lost. ${wait(a.retry)}`,
  504: () => "A server in between does not answer. Try again in a moment.",
  507: () => "There is no room left in this space. Delete something, or ask for more room.",
};

/** The Failure for an answer that is not the wanted one. */
export function failure(what, answer) {
  const said = answer.message ? ` (“${answer.message}”)` : "";
  const words = advice[answer.status];
  const text = words ? words({said, retry: answer.retryAfter})
                     : `The server answered with status ${answer.status}${said}. Try again; if it stays so, tell an admin.`;
  return new Failure(what, text, answer.status);
}
