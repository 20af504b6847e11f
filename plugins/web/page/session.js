// SPDX-License-Identifier: Apache-2.0
// Who is logged in, and requests in his name. The token lives in this module only: no cookie, no storage of the browser.
import {Failure, failure} from "./words.js";

/** Where the server is: the folder of this page. */
export const base = new URL("./", document.baseURI).pathname;

const tokens = `${base}auth-app/tokens`;
/** Ends a token that nobody could delete. */
const lifetime = "12h";

let session = null;  // {name, token, authorization}
let onEnd = () => {};

export const loggedIn = () => session !== null;
export const userName = () => session?.name ?? "";
/** Called when the server takes the token no more. */
export function whenEnded(call) {
  onEnd = call;
}

function basic(name, secret) {
  const bytes = new TextEncoder().encode(`${name}:${secret}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}

function readMessage(request) {
  const type = request.getResponseHeader("Content-Type") ?? "";
  try {
    if (request.responseType === "document") {
      return request.response?.getElementsByTagNameNS("http://sabredav.org/ns", "message")[0]?.textContent.trim() ?? "";
    }
    if (type.startsWith("application/json")) return String(JSON.parse(request.response).error?.message ?? "");
    if (type.startsWith("text/plain")) return request.response.trim().slice(0, 300);
  } catch {
    // no message then
  }
  return "";
}

function send(method, url, {headers = {}, body = null, onProgress = null, signal = null, authorization}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.addEventListener("readystatechange", () => {
      // Only what is XML is read as XML: anything else would become a page that shows where it is wrong.
      const type = request.readyState === XMLHttpRequest.HEADERS_RECEIVED && request.getResponseHeader("Content-Type");
      if (type && /xml/.test(type) && request.getResponseHeader("Content-Length") !== "0") request.responseType = "document";
    });
    request.setRequestHeader("Authorization", authorization);
    // Without it a refused login would bring up a dialog of the browser.
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onProgress) request.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    request.addEventListener("load", () => resolve({
      status: request.status,
      body: request.response,
      message: readMessage(request),
      retryAfter: Number(request.getResponseHeader("Retry-After")),
      header: (name) => request.getResponseHeader(name),
    }));
    request.addEventListener("error", () => resolve({status: 0, body: null, message: "", retryAfter: 0, header: () => null}));
    request.addEventListener("abort", () => reject(signal.reason));
    if (signal) {
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", () => request.abort(), {once: true});
    }
    request.send(body);
  });
}

/** A request of who is logged in. Gives the answer, whatever its status; status 0: none came, or not all of it. */
export async function request(method, url, options = {}) {
  const asked = session;
  if (!asked) throw new Failure("You are not logged in.", "Log in again.", 401);
  const answer = await send(method, url, {...options, authorization: asked.authorization});
  if (answer.status === 401 && session === asked) {
    session = null;
    onEnd("Your login has ended. Log in again.");
  }
  return answer;
}

/** GET as fetch gives it, for bodies that are to be streamed. */
export async function stream(url, signal) {
  if (!session) throw new Failure("You are not logged in.", "Log in again.", 401);
  return fetch(url, {
    headers: {"Authorization": session.authorization, "X-Requested-With": "XMLHttpRequest"},
    credentials: "omit", cache: "no-store", redirect: "error", signal,
  });
}

/** Exchanges name and password for a token. The password is not kept. */
export async function logIn(name, password) {
  const what = "You could not be logged in.";
  const answer = await send("POST", `${tokens}?expiry=${lifetime}&label=Web%20page`, {
    authorization: basic(name, password),
  });
  if (answer.status === 401) throw new Failure(what, "The user name or the password is wrong.", 401);
  if ([404, 405, 501].includes(answer.status)) {
    throw new Failure(what, "This server gives out no app tokens, which this page needs. Use a sync client or another WebDAV program.",
                      answer.status);
  }
  if (answer.status !== 200 && answer.status !== 201) throw failure(what, answer);
  let token;
  try {
    token = JSON.parse(answer.body).token;
  } catch {
    token = null;
  }
  if (typeof token !== "string" || token === "") throw new Failure(what, "The server's answer holds no token. Tell an admin.");
  session = {name, token, authorization: basic(name, token)};
}

/** Deletes the token at the server and forgets it. A Failure tells that the server could not be told. */
export async function logOut() {
  const ended = session;
  session = null;
  if (!ended) return;
  const answer = await send("DELETE", `${tokens}?token=${encodeURIComponent(ended.token)}`, {authorization: ended.authorization});
  // 401: it is no token any more, which is what was wanted.
  if (answer.status === 401 || (answer.status >= 200 && answer.status < 300)) return;
  throw failure("You are logged out here, but the server still takes the token of this session for a while.", answer);
}

/** The same when the page goes away: nobody can be told how it went. */
export function leave() {
  const ended = session;
  session = null;
  if (!ended) return;
  fetch(`${tokens}?token=${encodeURIComponent(ended.token)}`, {
    method: "DELETE", keepalive: true, credentials: "omit",
    headers: {"Authorization": ended.authorization, "X-Requested-With": "XMLHttpRequest"},
  }).catch(() => {});
}
