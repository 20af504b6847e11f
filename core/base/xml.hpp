// SPDX-License-Identifier: Apache-2.0
// Request bodies in XML: a strict reader that gives a small tree, and what is needed to write XML.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::base::xml {

struct Attribute {
  std::string ns;      ///< namespace name, empty for none
  std::string name;    ///< local name
  std::string prefix;  ///< as written; only a hint
  std::string value;
};

/// One element with all below it. Comments and processing instructions are not kept; blanks are.
struct Element {
  std::string ns;                     ///< namespace name, empty for none
  std::string name;                   ///< local name
  std::string prefix;                 ///< as written; only a hint for writing it again
  std::string lang;                   ///< the xml:lang in force here, its own or inherited; empty for none
  std::vector<Attribute> attributes;  ///< without namespace declarations; an own xml:lang is here too
  std::string text;                   ///< the text before the first child: all of it for an element without children
  std::string tail;                   ///< the text between the end of this element and the next tag of its parent
  std::vector<Element> children;

  bool is(std::string_view want_ns, std::string_view want_name) const { return name == want_name && ns == want_ns; }
  /// The first child of this name, or null. Lives as long as this element.
  const Element *find(std::string_view want_ns, std::string_view want_name) const;
  /// The value of an attribute, or null.
  const std::string *attribute(std::string_view want_ns, std::string_view want_name) const;
  /// The text of this element and everything below it, in document order.
  std::string all_text() const;
};

struct Limits {
  std::size_t bytes = 1u << 20;   ///< of the document
  std::size_t depth = 64;         ///< of nested elements
  std::size_t elements = 10'000;  ///< in all
  std::size_t attributes = 64;    ///< per element
};

/// Reads one document (XML 1.0 with namespaces) in UTF-8, or UTF-16 with a byte order mark. A document type declaration
/// is refused, so there are no entities beyond the five of XML and nothing outside is ever opened.
/// Errors: InvalidArgument for anything that is not such a document, OutOfRange over a limit. [any thread]
Result<Element> parse(std::string_view document, const Limits &limits = {});

/// The element as XML that stands on its own: every namespace it uses is declared in it, and its `lang` is written on
/// the outermost tag. parse() of the result gives the same element, prefixes included where they do not collide; `tail`
/// is not written. [any thread]
void append_xml(std::string &out, const Element &element);
/// What stands between the tags of the element, likewise self-contained.
void append_inner_xml(std::string &out, const Element &element);

/// Text for the content of an element or a quoted attribute value. Characters that XML 1.0 does not allow are left out;
/// bytes that are no UTF-8 become U+FFFD. [any thread]
void append_xml_escaped(std::string &out, std::string_view text);

}  // namespace Atoll::base::xml

namespace Atoll::base {
using XmlElement = xml::Element;
inline Result<xml::Element> parse_xml(std::string_view document, const xml::Limits &limits = {}) {
  return xml::parse(document, limits);
}
using xml::append_inner_xml;
using xml::append_xml;
using xml::append_xml_escaped;
}  // namespace Atoll::base
