// SPDX-License-Identifier: Apache-2.0
// XML request bodies: limits hold, what is written is read back the same, and so for what PROPFIND, PROPPATCH and LOCK
// make of it.
#include <algorithm>

#include "core/base/text.hpp"
#include "core/base/xml.hpp"
#include "plugins/api-webdav/request_bodies.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using base::xml::Element;

namespace {

constexpr base::xml::Limits kSmall{1u << 20, 6, 12, 3};

void check_text(const std::string &text) { FUZZ_CHECK(base::valid_utf8(text) && text.find('\0') == std::string::npos); }

std::size_t check_element(const Element &element, const base::xml::Limits &limits, std::size_t depth) {
  FUZZ_CHECK(depth <= limits.depth && element.attributes.size() <= limits.attributes);
  FUZZ_CHECK(!element.name.empty() && element.name.find_first_of(" \t\r\n<>&\"'/=") == std::string::npos);
  for (const auto *text : {&element.ns, &element.name, &element.prefix, &element.lang, &element.text, &element.tail})
    check_text(*text);
  for (const auto &attribute : element.attributes) {
    check_text(attribute.value);
    FUZZ_CHECK(!attribute.name.empty() && attribute.ns != "http://www.w3.org/2000/xmlns/");
  }
  std::size_t count = 1;
  for (const auto &child : element.children) count += check_element(child, limits, depth + 1);
  return count;
}

bool same(const Element &a, const Element &b, bool outermost) {
  if (a.ns != b.ns || a.name != b.name || a.lang != b.lang || a.text != b.text) return false;
  if (!outermost && a.tail != b.tail) return false;
  // The outermost tag gets an xml:lang that was inherited; nothing else is added.
  for (const auto &attribute : a.attributes) {
    const auto *value = b.attribute(attribute.ns, attribute.name);
    if (value == nullptr || *value != attribute.value) return false;
  }
  const std::size_t added = outermost && b.attributes.size() > a.attributes.size() ? 1 : 0;
  if (b.attributes.size() != a.attributes.size() + added) return false;
  return std::equal(a.children.begin(), a.children.end(), b.children.begin(), b.children.end(),
                    [](const Element &x, const Element &y) { return same(x, y, false); });
}

Element read_again(const Element &element) {
  std::string out;
  base::append_xml(out, element);
  base::xml::Limits limits;
  limits.bytes = std::string::npos;
  limits.attributes = 1000;
  auto again = base::parse_xml(out, limits);
  FUZZ_CHECK(again.ok() && same(element, *again, true));
  return std::move(*again);
}

void check_bodies(std::string_view text) {
  if (const auto wish = webdav::parse_propfind(text)) {
    FUZZ_CHECK(wish->names.size() <= webdav::kMostProperties);
    FUZZ_CHECK(wish->kind != webdav::PropertyWish::Kind::Names || wish->names.empty());
    for (const auto &name : wish->names) check_text(name.name);
  } else {
    FUZZ_CHECK(!wish.error().message.empty() && wish.error().status == Status::InvalidArgument);
  }
  if (const auto changes = webdav::parse_proppatch(text)) {
    FUZZ_CHECK(!changes->empty() && changes->size() <= webdav::kMostProperties);
    for (const auto &change : *changes) {
      FUZZ_CHECK(change.remove == change.xml.empty());
      if (change.remove) continue;
      base::xml::Limits limits;
      limits.bytes = std::string::npos;
      limits.attributes = 1000;
      const auto alone = base::parse_xml(change.xml, limits);
      FUZZ_CHECK(alone.ok() && alone->is(change.name.ns, change.name.name));
      FUZZ_CHECK(alone->all_text() == change.text);
    }
  }
  if (const auto lock = webdav::parse_lockinfo(text)) {
    FUZZ_CHECK(lock->owner.size() <= 4096);
    FUZZ_CHECK(base::parse_xml("<owner>" + lock->owner + "</owner>").ok());  // it goes into answers as it is
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const auto small = base::parse_xml(text, kSmall);
  const auto root = base::parse_xml(text);
  if (!root) FUZZ_CHECK(!small.ok() && !root.error().message.empty());
  if (small.ok()) {
    FUZZ_CHECK(check_element(*small, kSmall, 1) <= kSmall.elements);
    FUZZ_CHECK(root.ok() && same(*small, *root, true));
  }
  if (root.ok()) {
    check_element(*root, {}, 1);
    read_again(read_again(*root));
    if (!root->children.empty()) read_again(root->children.back());
    check_bodies(text);
  } else if (size % 16 == 0) {
    FUZZ_CHECK(!webdav::parse_propfind(text).ok() || base::trim(text).empty());
    FUZZ_CHECK(!webdav::parse_proppatch(text).ok() && !webdav::parse_lockinfo(text).ok());
  }

  // Any text at all can stand in an element and in an attribute.
  if (root.ok() || size % 8 != 0) return 0;
  std::string escaped = "<a b=\"";
  base::append_xml_escaped(escaped, text);
  escaped += "\">";
  base::append_xml_escaped(escaped, text);
  escaped += "</a>";
  FUZZ_CHECK(base::parse_xml(escaped).ok());
  return 0;
}
