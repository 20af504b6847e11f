// SPDX-License-Identifier: Apache-2.0
// Spaces over Graph, files over WebDAV. Every function gives what was asked for, or throws a Failure: never less than all.
import {base, request} from "./session.js";
import {Failure, failure, quoted} from "./words.js";

const DAV = "DAV:";
const OC = "http://owncloud.org/ns";

const listing = `<?xml version="1.0" encoding="UTF-8"?>
<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop><d:resourcetype/><d:getcontentlength/><d:getlastmodified/>` +
  `<d:getetag/><oc:size/><oc:permissions/></d:prop></d:propfind>`;

/** The address of a file or folder. `path` is a list of names below the root of the space. */
export function url(space, path, folder = false) {
  const names = [space, ...path].map(encodeURIComponent).join("/");
  return `${base}dav/spaces/${names}${folder ? "/" : ""}`;
}

/** The spaces that one reaches: {id, name, kind, description, used, total, disabled}. */
export async function spaces() {
  const what = "Your spaces could not be listed.";
  const answer = await request("GET", `${base}graph/v1.0/me/drives`);
  if (answer.status !== 200) throw failure(what, answer);
  let value;
  try {
    value = JSON.parse(answer.body).value;
  } catch {
    value = null;
  }
  if (!Array.isArray(value) || !value.every((drive) => typeof drive?.id === "string")) {
    throw new Failure(what, "The server's answer is none that this page understands. Reload the page; if it stays so, tell an admin.");
  }
  const order = {personal: 0, project: 1};
  return value.map((drive) => ({
    id: drive.id,
    name: String(drive.name ?? drive.id),
    kind: String(drive.driveType ?? ""),
    description: String(drive.description ?? ""),
    used: drive.quota?.used,
    total: drive.quota?.total,
    disabled: drive.root?.deleted?.state === "trashed",
  })).sort((a, b) => (order[a.kind] ?? 2) - (order[b.kind] ?? 2) || a.name.localeCompare(b.name));
}

const text = (element, namespace, name) => element.getElementsByTagNameNS(namespace, name)[0]?.textContent ?? null;

function number(value) {
  return value === null || value === "" ? NaN : Number(value);
}

/** The properties of a response that are there (their propstat says 200). */
function properties(response) {
  for (const propstat of response.getElementsByTagNameNS(DAV, "propstat")) {
    if (/^HTTP\/1\.1 200\b/.test(text(propstat, DAV, "status") ?? "")) return propstat;
  }
  return null;
}

function entry(path, found) {
  const folder = found.getElementsByTagNameNS(DAV, "collection").length > 0;
  const modified = text(found, DAV, "getlastmodified");
  return {
    name: decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)),
    folder,
    size: number(text(found, folder ? OC : DAV, folder ? "size" : "getcontentlength")),
    modified: modified ? new Date(modified) : null,
    permissions: text(found, OC, "permissions") ?? "",
  };
}

/** What is in a folder: {self, entries}. An answer that is not whole and understood throughout is a Failure. */
export async function list(space, path, shown) {
  const what = `${quoted(shown)} could not be listed.`;
  const puzzled = new Failure(what, "The server's answer is not complete or none that this page understands, so nothing is shown. Try again.");
  const answer = await request("PROPFIND", url(space, path, true), {
    headers: {"Depth": "1", "Content-Type": "application/xml; charset=utf-8", "Prefer": "return=minimal"}, body: listing,
  });
  if (answer.status === 404) {
    throw new Failure(what, "It is not there any more, or you may not see it. Go back to a folder above it.", 404);
  }
  if (answer.status !== 207) throw failure(what, answer);
  const root = answer.body instanceof Document ? answer.body.documentElement : null;
  if (!root || root.namespaceURI !== DAV || root.localName !== "multistatus") throw puzzled;
  let self = null;
  let selfPath = "";
  const entries = [];
  for (const response of root.children) {
    const href = text(response, DAV, "href");
    const found = properties(response);
    if (!href || !found) throw puzzled;
    try {
      const place = new URL(href, location.origin).pathname.replace(/\/+$/, "");
      if (self === null) {
        selfPath = place;
        self = entry(place, found);
      } else if (place.slice(0, place.lastIndexOf("/")) === selfPath) {
        entries.push(entry(place, found));
      } else {
        throw puzzled;
      }
    } catch {
      throw puzzled;
    }
  }
  if (self === null) throw puzzled;
  if (!self.folder) throw new Failure(what, "It is a file, no folder. Go back to the folder that it is in.");
  return {self, entries};
}

/** Whether something is there. */
async function exists(space, path, what) {
  const answer = await request("PROPFIND", url(space, path), {headers: {"Depth": "0"}});
  if (answer.status === 207) return true;
  if (answer.status === 404) return false;
  throw failure(what, answer);
}

export async function makeFolder(space, path) {
  const answer = await request("MKCOL", url(space, path, true));
  if (answer.status !== 201) throw failure(`The folder ${quoted(path.at(-1))} could not be made.`, answer);
}

export async function rename(space, path, name) {
  const target = url(space, [...path.slice(0, -1), name]);
  const answer = await request("MOVE", url(space, path), {
    headers: {"Destination": new URL(target, location.origin).href, "Overwrite": "F"},
  });
  if (answer.status === 201 || answer.status === 204) return;
  const what = `${quoted(path.at(-1))} could not be renamed to ${quoted(name)}.`;
  if (answer.status === 412) throw new Failure(what, "There is something of that name already. Choose another name.", 412);
  throw failure(what, answer);
}

export async function remove(space, path) {
  const answer = await request("DELETE", url(space, path));
  // 404: somebody else was faster, and it is gone, which is what was wanted.
  if (answer.status === 204 || answer.status === 200 || answer.status === 404) return;
  throw failure(`${quoted(path.at(-1))} could not be deleted.`, answer);
}

/** From this size on it is asked first whether the name is free: a refusal under way would break the connection. */
const large = 64 * 1024;

/**
 * Uploads a File. Gives false, with nothing sent, when the name is taken and `replace` is not set: the server itself sees to
 * that (If-None-Match: *), whatever was known before.
 */
export async function upload(space, path, file, {replace, onProgress, signal}) {
  const what = `${quoted(path.at(-1))} could not be uploaded.`;
  if (!replace && file.size > large && await exists(space, path, what)) return false;
  const headers = {
    "Content-Type": "application/octet-stream",
    "X-OC-Mtime": String(Math.floor(file.lastModified / 1000)),
    "OC-Total-Length": String(file.size),
  };
  if (!replace) headers["If-None-Match"] = "*";
  const answer = await request("PUT", url(space, path), {headers, body: file, onProgress, signal});
  if (answer.status === 201 || answer.status === 204) return true;
  if (answer.status === 412 && !replace) return false;
  if (answer.status === 405) throw new Failure(what, "There is a folder of that name. Rename one of them.", 405);
  throw failure(what, answer);
}
