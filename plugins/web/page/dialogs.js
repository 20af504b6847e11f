// SPDX-License-Identifier: Apache-2.0
// Elements, and questions in dialogs. All text comes in as text: nothing here or elsewhere parses HTML.

/** An element with attributes and children; "class", "onclick" and so on as they are called. Texts stay texts. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** One of the pictures in index.html. It says nothing to screen readers. */
export function picture(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Tells a screen reader something without moving anybody. */
export function say(text) {
  document.getElementById("say").textContent = text;
}

let last = Promise.resolve();
let number = 0;

/**
 * Asks, one question at a time. `choices` are {value, label, look}; the last one is what Enter does. Gives {choice, text,
 * all}; choice is null when it was dismissed.
 */
export function ask(question) {
  const turn = last.then(() => show(question));
  last = turn.catch(() => {});
  return turn;
}

function show({title, text = "", label = "", value = "", select = value.length, check = null, all = "", choices}) {
  const id = `question-${++number}`;
  const before = document.activeElement;
  const input = label && make("input", {type: "text", id: `${id}-input`, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-bad`});
  const bad = make("p", {class: "notice", id: `${id}-bad`, role: "alert", hidden: true});
  const box = all && make("input", {type: "checkbox"});
  const form = make("form", {method: "dialog"},
    make("h2", {id: `${id}-title`}, title),
    ...(text ? [make("p", {id: `${id}-text`}, text)] : []),
    ...(input ? [make("label", {for: `${id}-input`}, label), input, bad] : []),
    ...(box ? [make("label", {class: "choice"}, box, all)] : []),
    make("div", {class: "ends"}, ...choices.map(({value: name, label: words, look}) =>
      make("button", {type: name === choices.at(-1).value ? "submit" : "button", class: look, value: name}, words))));
  const dialog = make("dialog", {"aria-labelledby": `${id}-title`, "aria-describedby": text ? `${id}-text` : null}, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let choice = null;
    const finish = (name) => {
      if (input && name === choices.at(-1).value) {
        const wrong = check?.(input.value) ?? "";
        bad.textContent = wrong;
        bad.hidden = wrong === "";
        input.setAttribute("aria-invalid", String(wrong !== ""));
        if (wrong) return input.focus();
      }
      choice = name;
      dialog.close();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      finish(choices.at(-1).value);
    });
    for (const button of form.querySelectorAll("button[type=button]")) button.addEventListener("click", () => finish(button.value));
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before?.isConnected) before.focus();
      resolve({choice, text: input ? input.value : "", all: box ? box.checked : false});
    });
    dialog.showModal();
    if (input) {
      input.value = value;
      input.focus();
      input.setSelectionRange(0, select);
    } else {
      form.querySelector(".ends button").focus();
    }
  });
}

/** A Failure in a dialog. */
export function tell(failed) {
  return ask({title: failed.what ?? "Something went wrong in this page.", text: failed.advice ?? `Reload the page, and tell an admin: ${failed.message}`,
              choices: [{value: "ok", label: "Close", look: "main"}]});
}

/** A Failure in the place of what could not be shown. */
export function failurePanel(failed, again) {
  return make("div", {class: "panel bad", role: "alert"}, picture("warning"), make("div", {},
    make("h2", {}, failed.what ?? "Something went wrong in this page."),
    make("p", {}, failed.advice ?? `Reload the page, and tell an admin: ${failed.message}`),
    make("button", {type: "button", onclick: again}, "Try again")));
}
