// SPDX-License-Identifier: Apache-2.0
#include "core/base/xml.hpp"

#include <doctest/doctest.h>

#include <random>

#include "core/base/text.hpp"

using Atoll::Status;
using namespace Atoll::base::xml;

namespace {

bool same(const Element &a, const Element &b, bool with_tail = false) {
  if (a.ns != b.ns || a.name != b.name || a.prefix != b.prefix || a.lang != b.lang || a.text != b.text) return false;
  if (with_tail && a.tail != b.tail) return false;
  if (a.children.size() != b.children.size()) return false;
  for (const Attribute &attribute : a.attributes) {
    const std::string *other = b.attribute(attribute.ns, attribute.name);
    if (other == nullptr || *other != attribute.value) return false;
  }
  for (std::size_t i = 0; i < a.children.size(); ++i) {
    if (!same(a.children[i], b.children[i], true)) return false;
  }
  return true;
}

void check_round_trip(std::string_view document) {
  const auto first = parse(document);
  REQUIRE_MESSAGE(first.ok(), document);
  std::string written;
  append_xml(written, *first);
  const auto second = parse(written);
  REQUIRE_MESSAGE(second.ok(), written);
  CHECK_MESSAGE(same(*first, *second), document << " became " << written);
}

Status status_of(std::string_view document, const Limits &limits = {}) { return parse(document, limits).status(); }

std::string nested(std::size_t depth) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i) out += "<a>";
  for (std::size_t i = 0; i < depth; ++i) out += "</a>";
  return out;
}

}  // namespace

TEST_CASE("a PROPFIND body becomes a tree") {
  const auto root = parse(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- c --><D:propfind xmlns:D=\"DAV:\" "
      "xmlns:oc=\"http://owncloud.org/ns\">"
      "<D:prop><D:getetag/> <oc:id a='1' oc:b=\"2\">x &amp; <![CDATA[<y>]]>&#233;</oc:id></D:prop></D:propfind>\n");
  REQUIRE(root.ok());
  CHECK(root->is("DAV:", "propfind"));
  const Element *prop = root->find("DAV:", "prop");
  REQUIRE(prop != nullptr);
  CHECK(prop->children.size() == 2);
  CHECK(prop->children[0].tail == " ");
  const Element *id = prop->find("http://owncloud.org/ns", "id");
  REQUIRE(id != nullptr);
  CHECK(id->text == "x & <y>\xC3\xA9");
  REQUIRE(id->attribute("", "a") != nullptr);
  CHECK(*id->attribute("", "a") == "1");
  REQUIRE(id->attribute("http://owncloud.org/ns", "b") != nullptr);
  CHECK(*id->attribute("http://owncloud.org/ns", "b") == "2");
  CHECK(id->attribute("", "b") == nullptr);
  CHECK(root->find("DAV:", "allprop") == nullptr);
}

TEST_CASE("mixed content keeps its order and its blanks") {
  const auto root = parse("<p> one <b>two</b> three <i/>\n four</p>");
  REQUIRE(root.ok());
  CHECK(root->all_text() == " one two three \n four");
  std::string inner;
  append_inner_xml(inner, *root);
  CHECK(inner == " one <b>two</b> three <i/>\n four");
}

TEST_CASE("xml:lang is inherited and written where it is needed") {
  const auto root = parse("<a xml:lang='de'><b><c>x</c></b><d xml:lang='en'/></a>");
  REQUIRE(root.ok());
  const Element &b = root->children[0];
  CHECK(b.lang == "de");
  CHECK(root->children[1].lang == "en");
  std::string out;
  append_xml(out, b);
  CHECK(out == "<b xml:lang=\"de\"><c>x</c></b>");
  out.clear();
  append_xml(out, root->children[1]);
  CHECK(out == "<d xml:lang=\"en\"/>");
}

TEST_CASE("what is written stands on its own") {
  check_round_trip("<a/>");
  check_round_trip("<p:a xmlns:p='urn:1'><p:b/><c xmlns='urn:2'><d/><e xmlns=''/></c></p:a>");
  check_round_trip("<a xmlns='urn:1' xmlns:x='urn:1' x:n='v' n='w'><x:b/></a>");
  check_round_trip("<a><x:b xmlns:x='urn:1' x:k='1'><x:c xmlns:x='urn:2' x:k='2'/></x:b></a>");
  check_round_trip("<a k='&#10;&#9;&#13;&lt;&quot;&amp;'>&#13;\n\t&gt;]]&gt;</a>");
  check_round_trip("<a xml:space='preserve' xml:lang='x'>  <b xml:lang=''/> </a>");
  const auto root = parse("<o:a xmlns:o='urn:o' xmlns:i='urn:i'><i:b><o:c/></i:b></o:a>");
  REQUIRE(root.ok());
  std::string out;
  append_xml(out, root->children[0]);
  CHECK(out == "<i:b xmlns:i=\"urn:i\"><o:c xmlns:o=\"urn:o\"/></i:b>");
}

TEST_CASE("an attribute whose prefix is taken gets another one") {
  Element element;
  element.ns = "urn:1";
  element.name = "a";
  element.prefix = "p";
  element.attributes.push_back({"urn:2", "k", "p", "v"});
  element.attributes.push_back({"urn:3", "k", "", "w"});
  std::string out;
  append_xml(out, element);
  const auto read = parse(out);
  REQUIRE_MESSAGE(read.ok(), out);
  CHECK(*read->attribute("urn:2", "k") == "v");
  CHECK(*read->attribute("urn:3", "k") == "w");
}

TEST_CASE("escaping drops what XML cannot hold") {
  std::string out;
  append_xml_escaped(out, std::string_view("a<b>&\"\x01\0\xFF\xEF\xBF\xBF\xC3\xA9\xC3", 16));
  CHECK(out == "a&lt;b&gt;&amp;&quot;\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD");
}

TEST_CASE("entities and document types are refused") {
  CHECK(status_of("<!DOCTYPE a><a/>") == Status::InvalidArgument);
  CHECK(status_of("<?xml version='1.0'?><!-- x --><?pi y?>\n<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>") ==
        Status::InvalidArgument);
  CHECK(status_of("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>") == Status::InvalidArgument);
  CHECK(status_of("<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\"> %p;]><a/>") == Status::InvalidArgument);
  std::string laughs = "<!DOCTYPE l [<!ENTITY l0 \"lol\">";
  for (int i = 1; i < 12; ++i) {
    laughs.append("<!ENTITY l").append(std::to_string(i)).append(" \"");
    for (int k = 0; k < 10; ++k) laughs.append("&l").append(std::to_string(i - 1)).append(";");
    laughs += "\">";
  }
  laughs += "]><l>&l11;</l>";
  CHECK(status_of(laughs) == Status::InvalidArgument);
  CHECK(status_of("<a>&unknown;</a>") == Status::InvalidArgument);
  CHECK(status_of("<a><![CDATA[<!DOCTYPE html>]]></a>") == Status::Ok);
}

TEST_CASE("limits hold") {
  CHECK(status_of(nested(64)) == Status::Ok);
  CHECK(status_of(nested(65)) == Status::OutOfRange);
  CHECK(status_of(nested(100'000)) == Status::OutOfRange);
  std::string wide = "<a>";
  for (int i = 0; i < 9'999; ++i) wide += "<b/>";
  CHECK(status_of(wide + "</a>") == Status::Ok);
  CHECK(status_of(wide + "<b/></a>") == Status::OutOfRange);
  CHECK(status_of("<a>" + std::string(2u << 20, 'x') + "</a>") == Status::OutOfRange);
  std::string attributes = "<a";
  for (int i = 0; i < 65; ++i) attributes.append(" k").append(std::to_string(i)).append("=''");
  CHECK(status_of(attributes + "/>") == Status::OutOfRange);
}

TEST_CASE("what is not well-formed is refused") {
  for (const char *bad : {"",
                          " ",
                          "x",
                          "<",
                          "<a",
                          "<a>",
                          "<a></b>",
                          "<a/><b/>",
                          "<a b></a>",
                          "<a b='1' b='2'/>",
                          "<p:a/>",
                          "<a p:b=''/>",
                          "<a xmlns:p=''/>",
                          "<a>&#0;</a>",
                          "<a>&#x1;</a>",
                          "<a>\x01</a>",
                          "<a>\xFF</a>",
                          "<a>\xC0\x80</a>",
                          "<a>\xED\xA0\x80</a>",
                          "<?xml version='1.0'?>",
                          "<a xmlns:xml='urn:x'/>",
                          "<a xmlns:p='u&#9;v'/>"}) {
    CHECK_MESSAGE(status_of(bad) == Status::InvalidArgument, bad);
  }
  CHECK(status_of(std::string_view("<a>\0</a>", 8)) == Status::InvalidArgument);
}

TEST_CASE("encodings: UTF-8 with a mark, UTF-16 with a mark, and no other") {
  CHECK(status_of("\xEF\xBB\xBF<a/>") == Status::Ok);
  CHECK(status_of("<?xml version='1.0' encoding='ISO-8859-1'?><a/>") == Status::InvalidArgument);
  CHECK(status_of("<?xml version='1.0' encoding=\"UTF-7\"?><a/>") == Status::InvalidArgument);
  for (const bool big : {false, true}) {
    std::string wide(big ? "\xFE\xFF" : "\xFF\xFE");
    for (const char c : std::string_view("<?xml version='1.0' encoding='UTF-16'?><a>x</a>")) {
      if (big) wide.push_back('\0');
      wide.push_back(c);
      if (!big) wide.push_back('\0');
    }
    const auto root = parse(wide);
    REQUIRE(root.ok());
    CHECK(root->text == "x");
    CHECK(status_of(wide.substr(0, wide.size() - 1)) == Status::InvalidArgument);
    CHECK(status_of(wide.substr(0, 2)) == Status::InvalidArgument);
  }
  std::string doctype = "\xFF\xFE";
  for (const char c : std::string_view("<!DOCTYPE a><a/>")) doctype.append({c, '\0'});
  CHECK(status_of(doctype) == Status::InvalidArgument);
}

TEST_CASE("every truncation of a document is refused") {
  const std::string document =
      "<?xml version='1.0'?><D:a xmlns:D='DAV:'><D:b k='v'>t&amp;u<![CDATA[z]]><!-- c --></D:b><?pi x?></D:a>";
  REQUIRE(parse(document).ok());
  for (std::size_t size = 0; size < document.size(); ++size) {
    CHECK_FALSE(parse(std::string_view(document).substr(0, size)).ok());
  }
}

TEST_CASE("random bytes and random damage never crash, and what is accepted can be written again") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  const std::string document =
      "<?xml version='1.0'?><D:a xmlns:D='DAV:' xmlns='urn:x'><D:b k='v' D:l='w'>t&amp;u<c xml:lang='de'/> "
      "v</D:b></D:a>";
  const std::string_view alphabet = "<>/!?&;:'\"= \n-[]abDx#0\xC3\xA9\xFF";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    if (round % 3 == 0) {
      const std::size_t size = random() % 200;
      for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(random()));
    } else {
      text = document;
      for (unsigned i = 0; i <= random() % 4; ++i) {
        const std::size_t at = random() % text.size();
        switch (random() % 3) {
          case 0:
            text[at] = alphabet[random() % alphabet.size()];
            break;
          case 1:
            text.erase(at, random() % 8);
            break;
          default:
            text.insert(at, 1, alphabet[random() % alphabet.size()]);
        }
        if (text.empty()) text.assign(1, '<');
      }
    }
    const auto root = parse(text);
    if (!root) continue;
    std::string written;
    append_xml(written, *root);
    const auto again = parse(written);
    REQUIRE_MESSAGE(again.ok(), "seed " << seed << ": " << written);
    CHECK(same(*root, *again));
  }
}
