// SPDX-License-Identifier: Apache-2.0
// The list of spaces.
import * as dav from "./dav.js";
import {failurePanel, make, picture, say} from "./dialogs.js";
import {count, size} from "./words.js";

const body = document.getElementById("spaces-body");

const kinds = {personal: "Your own files", project: "Project", mountpoint: "Shared with you", virtual: "Collection"};

function used(space) {
  if (!Number.isFinite(space.used)) return "";
  return space.total > 0 ? `${size(space.used)} of ${size(space.total)}` : `${size(space.used)} used`;
}

function card(space) {
  const words = [kinds[space.kind] ?? "Space", used(space)].filter(Boolean).join(" · ");
  const inside = [
    picture(space.kind === "personal" ? "person" : "space"),
    make("span", {}, make("span", {class: "name"}, space.name), make("span", {class: "small"}, space.disabled ? "Disabled" : words),
         ...(space.description ? [make("span", {class: "small"}, space.description)] : [])),
  ];
  return make("li", {}, space.disabled ? make("div", {class: "space"}, ...inside)
                                       : make("a", {class: "space", href: `#/${encodeURIComponent(space.id)}`}, ...inside));
}

/** Shows them; `current` tells whether somebody has gone elsewhere meanwhile. Gives the list, or null. */
export async function show(current) {
  body.replaceChildren(make("p", {class: "wait"}, "Loading…"));
  try {
    const spaces = await dav.spaces();
    if (!current()) return spaces;
    body.replaceChildren(spaces.length > 0 ? make("ul", {class: "grid"}, ...spaces.map(card))
                                           : make("div", {class: "panel calm"}, make("p", {}, "You have no spaces yet. An admin or a manager of a space can add you.")));
    say(count(spaces.length, "space", "spaces"));
    return spaces;
  } catch (failed) {
    if (current()) body.replaceChildren(failurePanel(failed, () => show(current)));
    return null;
  }
}
