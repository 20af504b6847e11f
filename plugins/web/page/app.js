// SPDX-License-Identifier: Apache-2.0
// The page: login, and which of its parts is seen. The address behind the '#' says which: #/ are the spaces, #/SPACE/NAME/... is
// a folder.
import * as folder from "./folder.js";
import * as spaces from "./spaces.js";
import {ask, tell} from "./dialogs.js";
import {leave, loggedIn, logIn, logOut, userName, whenEnded} from "./session.js";
import * as transfers from "./transfers.js";

const part = (id) => document.getElementById(id);
const form = part("login-form");
const notice = part("login-notice");

let turn = 0;      // counts what is shown: what comes late is not shown
let known = null;  // the spaces, for their names

function notify(words) {
  notice.textContent = words;
  notice.hidden = words === "";
}

function see(id, title, focus) {
  for (const name of ["login", "spaces", "folder"]) part(name).hidden = name !== id;
  part("bar").hidden = id === "login";
  document.title = title === "" ? "Atoll" : `${title} – Atoll`;
  part(focus).focus();
}

function showLogin(words) {
  ++turn;
  known = null;
  folder.hide();
  transfers.end();
  part("password").value = "";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  see("login", "Log in", part("name").value === "" ? "name" : "password");
  notify(words);
}

/** The names in the address, or null when it is none of ours. */
function route() {
  try {
    return location.hash.replace(/^#?\/?/, "").split("/").filter((name) => name !== "").map(decodeURIComponent);
  } catch {
    return [];
  }
}

async function show() {
  if (!loggedIn()) return showLogin("");
  const mine = ++turn;
  const current = () => mine === turn && loggedIn();
  const [id, ...names] = route();
  if (id === undefined) {
    folder.hide();
    see("spaces", "Spaces", "spaces-title");
    known = await spaces.show(current) ?? known;
    return;
  }
  if (!known?.some((space) => space.id === id)) {
    see("spaces", "Spaces", "spaces-title");
    known = await spaces.show(current);
    if (!current() || known === null) return;
  }
  const space = known.find((one) => one.id === id) ?? {id, name: "Space"};
  const shown = folder.show({space, names, current});
  see("folder", [...names, space.name].join(" – ").slice(0, 200), "folder-title");
  await shown;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = part("login-button");
  if (button.disabled) return;
  const name = part("name").value.trim();
  button.disabled = true;
  button.textContent = "Logging in…";
  notify("");
  try {
    const login = logIn(name, part("password").value);
    part("password").value = "";
    await login;
    part("who").textContent = userName();
    await show();
  } catch (failed) {
    notify(failed.advice ? `${failed.what} ${failed.advice}` : failed.message);
    part("password").focus();
  } finally {
    button.disabled = false;
    button.textContent = "Log in";
  }
});

part("logout").addEventListener("click", async () => {
  if (transfers.busy()) {
    const answer = await ask({title: "Transfers are running", text: "When you log out now, they end where they are.",
                              choices: [{value: "no", label: "Stay"}, {value: "yes", label: "Log out", look: "danger"}]});
    if (answer.choice !== "yes") return;
  }
  const ended = logOut();
  part("name").value = "";
  location.hash = "";
  showLogin("");
  part("who").textContent = "";
  try {
    await ended;
  } catch (failed) {
    await tell(failed);
  }
});

whenEnded(showLogin);
window.addEventListener("hashchange", show);
window.addEventListener("beforeunload", (event) => {
  if (transfers.busy()) event.preventDefault();
});
window.addEventListener("pagehide", leave);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) showLogin("");
});
showLogin("");
