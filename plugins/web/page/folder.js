// SPDX-License-Identifier: Apache-2.0
// One folder: its list, and what can be done in it.
import * as dav from "./dav.js";
import {ask, failurePanel, make, picture, say, tell} from "./dialogs.js";
import * as transfers from "./transfers.js";
import {count, day, quoted, size, when} from "./words.js";

const body = document.getElementById("folder-body");
const path = document.getElementById("path");
const title = document.getElementById("folder-title");
const tools = document.getElementById("tools");
const picker = document.getElementById("files");
const drop = document.getElementById("drop");
const keys = document.querySelector("#folder .keys");

/** Rows that are made before the browser may draw again. */
const batch = 200;

let place = null;  // {space: {id, name}, names, current}
let entries = [];
let order = {by: "name", down: false};
let mayCreate = false;

const collator = new Intl.Collator(undefined, {numeric: true, sensitivity: "base"});

const shownName = () => place.names.at(-1) ?? place.space.name;
export const address = (space, names) => `#/${[space, ...names].map(encodeURIComponent).join("/")}`;

function sorted() {
  const compare = {
    name: (a, b) => collator.compare(a.name, b.name),
    size: (a, b) => (a.size || 0) - (b.size || 0),
    when: (a, b) => (a.modified?.getTime() || 0) - (b.modified?.getTime() || 0),
  }[order.by];
  const sign = order.down ? -1 : 1;
  return [...entries].sort((a, b) => Number(b.folder) - Number(a.folder) || sign * compare(a, b) || collator.compare(a.name, b.name));
}

function checkName(old) {
  return (name) => {
    if (name.trim() === "") return "Write a name.";
    if (name.includes("/")) return "A name holds no slash.";
    if (name === "." || name === "..") return "This name has another meaning. Choose another one.";
    if (new TextEncoder().encode(name).length > 255) return "This name is too long.";
    if (name !== old && entries.some((entry) => entry.name === name)) return `${quoted(name)} is already there. Choose another name.`;
    return "";
  };
}

async function attempt(work) {
  try {
    await work();
    return true;
  } catch (failed) {
    await tell(failed);
    return false;
  }
}

async function newFolder() {
  const {space, names} = place;
  const answer = await ask({title: "New folder", label: "Name", check: checkName(null),
                            choices: [{value: "no", label: "Cancel"}, {value: "yes", label: "Make folder", look: "main"}]});
  if (answer.choice !== "yes") return;
  const done = await attempt(() => dav.makeFolder(space.id, [...names, answer.text]));
  if (done) say(`The folder ${quoted(answer.text)} is there`);
  await refresh(done ? answer.text : null);
}

async function rename(entry) {
  const {space, names} = place;
  const dot = entry.name.lastIndexOf(".");
  const answer = await ask({
    title: `Rename ${quoted(entry.name)}`, label: "New name", value: entry.name, check: checkName(entry.name),
    select: !entry.folder && dot > 0 ? dot : entry.name.length,
    choices: [{value: "no", label: "Cancel"}, {value: "yes", label: "Rename", look: "main"}],
  });
  if (answer.choice !== "yes" || answer.text === entry.name) return;
  const done = await attempt(() => dav.rename(space.id, [...names, entry.name], answer.text));
  if (done) say(`${quoted(entry.name)} is now ${quoted(answer.text)}`);
  await refresh(done ? answer.text : entry.name);
}

async function remove(entry) {
  const {space, names} = place;
  const answer = await ask({
    title: `Delete ${quoted(entry.name)}?`,
    text: entry.folder ? "The folder and everything in it will be deleted, for everybody who uses this space."
                       : "The file will be deleted, for everybody who uses this space.",
    choices: [{value: "no", label: "Keep"}, {value: "yes", label: "Delete", look: "danger"}],
  });
  if (answer.choice !== "yes") return;
  const all = sorted();
  const at = all.findIndex((other) => other.name === entry.name);
  const neighbour = all[at + 1] ?? all[at - 1];
  if (await attempt(() => dav.remove(space.id, [...names, entry.name]))) say(`${quoted(entry.name)} is deleted`);
  await refresh(neighbour?.name ?? null);
}

const download = (entry) => transfers.download(place.space.id, [...place.names, entry.name], entry.size);

function action(name, words, entry, work) {
  return make("button", {type: "button", class: "quiet icon", "aria-label": `${words} ${entry.name}`, title: words, onclick: work}, picture(name));
}

function row(entry) {
  const detail = [size(entry.size), day(entry.modified)].filter(Boolean).join(" · ");
  const inside = [picture(entry.folder ? "folder" : "file"),
                  make("span", {}, make("span", {class: "label"}, entry.name), make("span", {class: "detail"}, detail))];
  const name = entry.folder
    ? make("a", {class: "entry folder", href: address(place.space.id, [...place.names, entry.name])}, ...inside)
    : make("button", {type: "button", class: "entry", title: "Download", onclick: () => download(entry)}, ...inside);
  const actions = [];
  if (!entry.folder) actions.push(action("download", "Download", entry, () => download(entry)));
  if (entry.permissions.includes("N")) actions.push(action("rename", "Rename", entry, () => rename(entry)));
  if (entry.permissions.includes("D")) actions.push(action("delete", "Delete", entry, () => remove(entry)));
  const line = make("tr", {}, make("td", {}, name), make("td", {class: "size"}, size(entry.size)),
                    make("td", {class: "when"}, when(entry.modified)), make("td", {class: "actions"}, ...actions));
  line.entry = entry;
  return line;
}

function heading(by, words) {
  const sort = () => {
    order = {by, down: order.by === by && !order.down};
    showList(null);
    body.querySelector(`th[data-by="${by}"] button`)?.focus();
  };
  return make("th", {scope: "col", "data-by": by, "aria-sort": order.by === by ? (order.down ? "descending" : "ascending") : "none"},
              make("button", {type: "button", onclick: sort}, words));
}

function showList(focus) {
  keys.hidden = entries.length === 0;
  if (entries.length === 0) {
    body.replaceChildren(make("div", {class: "panel calm"}, make("p", {}, mayCreate ? "This folder is empty. Drop files here, or choose Upload." : "This folder is empty.")));
    return;
  }
  const rows = make("tbody", {onkeydown: onKey});
  body.replaceChildren(make("table", {"aria-labelledby": "folder-title"},
    make("colgroup", {}, make("col", {class: "name"}), make("col", {class: "size"}), make("col", {class: "when"}), make("col", {class: "actions"})),
    make("thead", {}, make("tr", {}, heading("name", "Name"), heading("size", "Size"), heading("when", "Changed"),
                           make("th", {scope: "col"}, make("span", {class: "unseen"}, "Actions")))),
    rows));
  const all = sorted();
  const more = (from) => {
    if (!rows.isConnected) return;
    const until = Math.min(all.length, from + batch);
    rows.append(...all.slice(from, until).map(row));
    const wanted = focus !== null && all.slice(from, until).some((entry) => entry.name === focus);
    if (wanted) focusEntry(focus);
    if (until < all.length) setTimeout(() => more(until));
  };
  more(0);
}

const entryIn = (line) => line?.querySelector(".entry");

function focusEntry(name) {
  for (const line of body.querySelectorAll("tbody tr")) {
    if (line.entry.name === name) return entryIn(line).focus();
  }
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const line = event.target.closest("tr");
  const may = (letter) => line.entry.permissions.includes(letter);
  const step = {ArrowDown: () => entryIn(line.nextElementSibling), ArrowUp: () => entryIn(line.previousElementSibling),
                Home: () => entryIn(line.parentElement.firstElementChild), End: () => entryIn(line.parentElement.lastElementChild)}[event.key];
  if (step) step()?.focus();
  else if (event.key === "F2" && may("N")) rename(line.entry);
  else if (event.key === "Delete" && may("D")) remove(line.entry);
  else if (event.key === "Backspace") location.hash = place.names.length > 0 ? address(place.space.id, place.names.slice(0, -1)) : "#/";
  else return;
  event.preventDefault();
}

function showPath() {
  const {space, names} = place;
  const steps = [["Spaces", "#/"], [space.name, address(space.id, [])], ...names.map((name, at) => [name, address(space.id, names.slice(0, at + 1))])];
  path.replaceChildren(...steps.slice(0, -1).map(([name, href]) => make("li", {}, make("a", {href}, name))));
  title.textContent = shownName();
}

/** Lists the place anew. `focus`: the name of the entry that gets the focus, or null. */
async function refresh(focus) {
  const asked = place;
  if (!asked?.current()) return;
  try {
    const listed = await dav.list(asked.space.id, asked.names, shownName());
    if (!asked.current()) return;
    entries = listed.entries;
    mayCreate = /[CK]/.test(listed.self.permissions);
    tools.hidden = !mayCreate;
    const kept = focus ?? document.activeElement?.closest?.("tr")?.entry?.name ?? null;
    showList(kept);
    // What had the focus may be gone with the old list.
    if (document.activeElement === document.body) title.focus();
  } catch (failed) {
    if (!asked.current()) return;
    entries = [];
    mayCreate = false;
    tools.hidden = keys.hidden = true;
    body.replaceChildren(failurePanel(failed, () => show(asked)));
  }
}

/** Shows a folder: {space, names, current}. */
export async function show(where) {
  place = where;
  entries = [];
  mayCreate = false;
  tools.hidden = keys.hidden = true;
  showPath();
  body.replaceChildren(make("p", {class: "wait"}, "Loading…"));
  await refresh(null);
  if (where.current() && body.querySelector(".panel.bad") === null) say(`${shownName()}: ${count(entries.length, "entry", "entries")}`);
}

/** Somebody else is to be seen. */
export function hide() {
  place = null;
}

function uploadHere(files) {
  const where = place;
  if (!where || !mayCreate || files.length === 0) return;
  transfers.upload(where.space.id, where.names, shownName(), files, () => {
    if (place === where) refresh(null);
  });
}

document.getElementById("new-folder").addEventListener("click", newFolder);
document.getElementById("upload").addEventListener("click", () => picker.click());
picker.addEventListener("change", () => {
  uploadHere([...picker.files]);
  picker.value = "";
});

// ---- drag and drop
const withFiles = (event) => place && mayCreate && event.dataTransfer?.types.includes("Files");
let inside = 0;
const showDrop = (shown) => {
  drop.hidden = !shown;
  if (shown) document.getElementById("drop-text").textContent = `Drop files to upload them to ${quoted(shownName())}`;
};
document.addEventListener("dragenter", (event) => {
  if (!withFiles(event)) return;
  event.preventDefault();
  ++inside;
  showDrop(true);
});
document.addEventListener("dragleave", (event) => {
  if (withFiles(event) && --inside <= 0) showDrop(false);
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();  // also where nothing can be dropped: the browser would leave the page for the file
  event.dataTransfer.dropEffect = withFiles(event) ? "copy" : "none";
});
document.addEventListener("drop", async (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  inside = 0;
  showDrop(false);
  if (!withFiles(event)) return;
  const folders = [];
  const files = [];
  for (const item of event.dataTransfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    const file = item.getAsFile();
    if (entry?.isDirectory) folders.push(entry.name);
    else if (file) files.push(file);
  }
  uploadHere(files);
  if (folders.length > 0) {
    await ask({title: "Folders cannot be dropped here",
               text: `${folders.map(quoted).join(", ")} was not uploaded. Make the folder here and drop its files into it, or use a sync client.`,
               choices: [{value: "ok", label: "Close", look: "main"}]});
  }
});
