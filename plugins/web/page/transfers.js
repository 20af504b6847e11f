// SPDX-License-Identifier: Apache-2.0
// Uploads and downloads under way, and the list that shows them.
import * as dav from "./dav.js";
import {ask, make, picture, say} from "./dialogs.js";
import {stream} from "./session.js";
import {Cancelled, Failure, count, failure, quoted, size} from "./words.js";

const panel = document.getElementById("transfers");
const items = document.getElementById("transfers-list");
const title = document.getElementById("transfers-title");

/** At the same time; the browser keeps connections for the rest of the page. */
const parallel = 3;
/** Larger downloads go straight to the disk where the browser can do that. */
const direct = 32 * 1000 * 1000;

let running = 0;
const waiting = [];

export const busy = () => running + waiting.length > 0;

const all = new Set();

/** Ends what runs and forgets what ran. */
export function end() {
  for (const transfer of all) transfer.abort.abort(new Cancelled());
  items.replaceChildren();
  panel.hidden = true;
}

/** One line of the list. */
class Transfer {
  constructor(name, total, verb) {
    this.name = name;
    this.total = total;
    this.verb = verb;
    this.abort = new AbortController();
    this.bar = make("progress", {max: "1", value: "0", "aria-label": `${verb} ${name}`});
    this.state = make("span", {class: "state"}, "Waiting");
    this.button = make("button", {type: "button", class: "quiet icon", "aria-label": `Cancel: ${verb} ${name}`,
                                  onclick: () => this.abort.abort(new Cancelled())}, picture("close"));
    this.what = make("div", {}, make("span", {class: "name", title: name}, name), this.bar, this.state);
    this.line = make("li", {}, this.what, this.button);
    all.add(this);
    items.append(this.line);
    panel.hidden = false;
    this.line.scrollIntoView({block: "nearest"});
  }

  progress(done) {
    const share = this.total > 0 ? Math.min(1, done / this.total) : 1;
    this.bar.value = share;
    this.state.textContent = `${size(done)} of ${size(this.total)}`;
  }

  end(text, look) {
    this.bar.remove();
    this.state.textContent = text;
    this.state.classList.add(look);
    this.line.dataset.ended = look;
    this.button.setAttribute("aria-label", `Remove from the list: ${this.name}`);
    this.button.replaceWith(this.button.cloneNode(true));
    this.line.querySelector("button").addEventListener("click", () => {
      this.line.remove();
      panel.hidden = items.childElementCount === 0;
    });
  }

  /** Runs the work when it is its turn, and shows how it ends. Gives whether it ended well. */
  async run(work) {
    if (running >= parallel) await new Promise((resolve) => waiting.push(resolve));
    ++running;
    showCount();
    try {
      this.abort.signal.throwIfAborted();
      const outcome = await work(this);
      this.end(outcome, "good");
      return true;
    } catch (failed) {
      if (failed instanceof Cancelled || failed?.name === "AbortError") {
        this.end("Cancelled", "calm");
      } else {
        const words = failed instanceof Failure ? failed : new Failure(`${quoted(this.name)}: ${failed.message}.`, "Try again.");
        this.end(words.message, "bad");
        say(words.message);
      }
      return false;
    } finally {
      --running;
      all.delete(this);
      waiting.shift()?.();
      showCount();
    }
  }
}

function showCount() {
  title.textContent = busy() ? count(running + waiting.length, "transfer", "transfers") : "Transfers";
}

document.getElementById("transfers-clear").addEventListener("click", () => {
  for (const line of items.querySelectorAll("[data-ended]")) line.remove();
  panel.hidden = items.childElementCount === 0;
});

/** "letter (2).txt" for "letter.txt" */
function numbered(name, number) {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)} (${number})${name.slice(dot)}` : `${name} (${number})`;
}

/** Uploads files into a folder. Calls `changed` when some of them have arrived. */
export async function upload(space, folder, shown, files, changed) {
  let forAll = null;  // what was answered for all files of this batch
  let turn = Promise.resolve();
  const decide = (name) => (turn = turn.then(() => forAll ?? question(name)));
  const question = async (name) => {
    const answer = await ask({
      title: `${quoted(name)} is already there`,
      text: `There is something of that name in ${quoted(shown)}.`,
      all: files.length > 1 ? "Do the same with the other files" : "",
      choices: [{value: "skip", label: "Skip"}, {value: "replace", label: "Replace"}, {value: "both", label: "Keep both", look: "main"}],
    });
    const choice = answer.choice ?? "skip";
    if (answer.all) forAll = choice;
    return choice;
  };
  const one = (file) => new Transfer(file.name, file.size, "Upload").run(async (transfer) => {
    const options = {replace: false, onProgress: (done) => transfer.progress(done), signal: transfer.abort.signal};
    const put = (name) => {
      transfer.progress(0);
      return dav.upload(space, [...folder, name], file, options);
    };
    if (await put(file.name)) return "Uploaded";
    const choice = await decide(file.name);
    if (choice === "skip") throw new Cancelled();
    if (choice === "replace") {
      options.replace = true;
      await put(file.name);
      return "Uploaded, replaced what was there";
    }
    for (let number = 2; ; ++number) {
      const name = numbered(file.name, number);
      if (await put(name)) return `Uploaded as ${quoted(name)}`;
    }
  });
  let arrived = 0;
  await Promise.all(files.map(async (file) => {
    if (await one(file)) ++arrived;
  }));
  say(arrived === files.length ? `${count(arrived, "file", "files")} uploaded` : `${arrived} of ${count(files.length, "file", "files")} uploaded`);
  if (arrived > 0) changed();
}

/** The body, counted while it passes. */
function counted(answer, transfer, signal) {
  let done = 0;
  const through = new TransformStream({
    transform(chunk, controller) {
      done += chunk.byteLength;
      transfer.progress(done);
      controller.enqueue(chunk);
    },
  });
  answer.body.pipeTo(through.writable, {signal}).catch(() => {});
  return {body: through.readable, length: () => done};
}

async function receive(address, name, transfer) {
  const what = `${quoted(name)} could not be downloaded.`;
  let answer;
  try {
    answer = await stream(address, transfer.abort.signal);
  } catch (failed) {
    if (failed instanceof Failure || failed instanceof Cancelled || failed?.name === "AbortError") throw failed;
    throw failure(what, {status: 0});
  }
  if (answer.status !== 200) throw failure(what, {status: answer.status, message: "", retryAfter: Number(answer.headers.get("Retry-After"))});
  transfer.total = Number(answer.headers.get("Content-Length") ?? transfer.total);
  return answer;
}

/** Downloads a file: to the disk as it comes where the browser lets a page do that, else through a blob, which browsers keep
 *  on the disk too when it is large. Never into the memory of this page as a whole. */
export async function download(space, path, total) {
  const name = path.at(-1);
  let target = null;
  if (total > direct && window.showSaveFilePicker) {
    try {
      target = await window.showSaveFilePicker({suggestedName: name});
    } catch (failed) {
      if (failed?.name === "AbortError") return;
      target = null;  // the browser has the dialog and does not let us
    }
  }
  await new Transfer(name, total, "Download").run(async (transfer) => {
    const address = dav.url(space, path);
    const what = `${quoted(name)} could not be downloaded.`;
    const answer = await receive(address, name, transfer);
    const {body, length} = counted(answer, transfer, transfer.abort.signal);
    try {
      if (target) {
        await body.pipeTo(await target.createWritable(), {signal: transfer.abort.signal});
        if (length() !== transfer.total) throw failure(what, {status: 0});
        return "Saved";
      }
      // Whatever is in it, the browser shall keep it and not open it.
      const blob = await new Response(body, {headers: {"Content-Type": "application/octet-stream"}}).blob();
      if (blob.size !== transfer.total) throw failure(what, {status: 0});
      const address = URL.createObjectURL(blob);
      const link = make("a", {href: address, download: name, hidden: true});
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      return "Downloaded";
    } catch (failed) {
      transfer.abort.signal.throwIfAborted();
      throw failed instanceof Failure ? failed : failure(what, {status: 0});
    }
  });
}
