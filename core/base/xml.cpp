// SPDX-License-Identifier: Apache-2.0
#include "core/base/xml.hpp"

#include <Poco/Exception.h>
#include <Poco/SAX/Attributes.h>
#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/LexicalHandler.h>
#include <Poco/SAX/SAXParser.h>
#include <Poco/TextConverter.h>
#include <Poco/UTF16Encoding.h>
#include <Poco/UTF8Encoding.h>

#include <new>
#include <optional>
#include <utility>

#include "core/base/text.hpp"

namespace Atoll::base::xml {

namespace {

constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";

Error refuse(std::string why) { return error(Status::InvalidArgument, "the XML body " + std::move(why)); }

/// Builds the tree from the parser's events. Nothing may be thrown through the C code of the parser, so a refusal is
/// noted, and what comes after it is ignored.
class TreeBuilder : public Poco::XML::DefaultHandler, public Poco::XML::LexicalHandler {
 public:
  explicit TreeBuilder(const Limits &limits) : limits_(limits) {}

  Result<Element> take() {
    if (failure_) return std::move(*failure_);
    if (!finished_) return refuse("has no element");
    return std::move(root_);
  }
  bool failed() const { return failure_.has_value(); }

  void startElement(const std::string &uri, const std::string &local_name, const std::string &qualified_name,
                    const Poco::XML::Attributes &attributes) override {
    guarded([&] {
      if (open_.size() == limits_.depth) {
        return over("is nested deeper than " + std::to_string(limits_.depth) + " levels");
      }
      if (++count_ > limits_.elements) {
        return over("has more than " + std::to_string(limits_.elements) + " elements");
      }
      if (static_cast<std::size_t>(attributes.getLength()) > limits_.attributes) {
        return over("has an element with more than " + std::to_string(limits_.attributes) + " attributes");
      }
      Element element;
      element.ns = uri;
      element.name = local_name;
      element.prefix = prefix_of(qualified_name);
      if (!open_.empty()) element.lang = open_.back().lang;
      for (int i = 0; i < attributes.getLength(); ++i) {
        if (attributes.getURI(i) == kXmlNamespace && attributes.getLocalName(i) == "lang") {
          element.lang = attributes.getValue(i);
        }
        element.attributes.push_back({attributes.getURI(i), attributes.getLocalName(i),
                                      prefix_of(attributes.getQName(i)), attributes.getValue(i)});
      }
      open_.push_back(std::move(element));
    });
  }

  void endElement(const std::string &, const std::string &, const std::string &) override {
    guarded([&] {
      Element done = std::move(open_.back());
      open_.pop_back();
      if (open_.empty()) {
        root_ = std::move(done);
        finished_ = true;
      } else {
        open_.back().children.push_back(std::move(done));
      }
    });
  }

  void characters(const char text[], int start, int length) override {
    guarded([&] {
      if (open_.empty()) return;
      Element &parent = open_.back();
      std::string &into = parent.children.empty() ? parent.text : parent.children.back().tail;
      into.append(text + start, static_cast<std::size_t>(length));
    });
  }

  void startDTD(const std::string &, const std::string &, const std::string &) override {
    guarded([&] { failure_ = refuse("declares a document type, which is not allowed"); });
  }
  void endDTD() override {}
  void startEntity(const std::string &) override {
    guarded([&] { failure_ = refuse("uses an entity, which is not allowed"); });
  }
  void endEntity(const std::string &) override {}
  void startCDATA() override {}
  void endCDATA() override {}
  void comment(const char[], int, int) override {}
  void skippedEntity(const std::string &) override {
    guarded([&] { failure_ = refuse("uses an unknown entity"); });
  }

 private:
  template <class Action>
  void guarded(Action action) noexcept {
    if (failure_) return;
    try {
      action();
    } catch (...) {
      failure_ = Error{Status::ResourceExhausted, {}, 0, 0};
    }
  }
  void over(std::string why) { failure_ = Atoll::error(Status::OutOfRange, "the XML body " + std::move(why)); }
  static std::string prefix_of(const std::string &qualified_name) {
    const std::size_t colon = qualified_name.find(':');
    return colon == std::string::npos ? std::string() : qualified_name.substr(0, colon);
  }

  Limits limits_;
  std::vector<Element> open_;
  Element root_;
  std::size_t count_ = 0;
  bool finished_ = false;
  std::optional<Error> failure_;
};

/// The value of `encoding=` in the XML declaration, if there is one.
std::string_view declared_encoding(std::string_view document) {
  if (!document.starts_with("<?xml")) return {};
  const std::string_view declaration = document.substr(0, document.find("?>"));
  std::size_t at = declaration.find("encoding");
  if (at == std::string_view::npos) return {};
  at = declaration.find_first_of("\"'", at);
  if (at == std::string_view::npos) return {};
  const std::size_t end = declaration.find(declaration[at], at + 1);
  if (end == std::string_view::npos) return {};
  return declaration.substr(at + 1, end - at - 1);
}

/// True when a markup declaration stands before the first element: the only place where a document type may be.
bool has_prolog_declaration(std::string_view document) {
  while (true) {
    const std::size_t open = document.find('<');
    if (open == std::string_view::npos) return false;
    document.remove_prefix(open);
    std::string_view end;
    if (document.starts_with("<!--")) {
      document.remove_prefix(4);
      end = "-->";
    } else if (document.starts_with("<?")) {
      document.remove_prefix(2);
      end = "?>";
    } else {
      return document.starts_with("<!");
    }
    const std::size_t close = document.find(end);
    if (close == std::string_view::npos) return false;
    document.remove_prefix(close + end.size());
  }
}

std::optional<std::string> from_utf16(std::string_view document) {
  const bool big_endian = document.front() == '\xFE';
  const std::string_view units = document.substr(2);
  if (units.size() % 2 != 0) return std::nullopt;
  Poco::UTF16Encoding from(big_endian ? Poco::UTF16Encoding::BIG_ENDIAN_BYTE_ORDER
                                      : Poco::UTF16Encoding::LITTLE_ENDIAN_BYTE_ORDER);
  Poco::UTF8Encoding to;
  std::string out;
  if (Poco::TextConverter(from, to).convert(units.data(), static_cast<int>(units.size()), out) != 0) {
    return std::nullopt;
  }
  return out;
}

Result<Element> parse_utf8(std::string_view document, const Limits &limits) {
  if (document.starts_with("\xEF\xBB\xBF")) document.remove_prefix(3);
  if (document.find('\0') != std::string_view::npos || !valid_utf8(document)) return refuse("is not valid UTF-8");
  const std::string_view encoding = declared_encoding(document);
  if (!encoding.empty() && !iequals(encoding, "utf-8") && !iequals(encoding, "utf-16") &&
      !iequals(encoding, "us-ascii")) {
    return refuse("is in another encoding than UTF-8 or UTF-16");
  }
  if (has_prolog_declaration(document)) return refuse("declares a document type, which is not allowed");
  TreeBuilder builder(limits);
  Poco::XML::SAXParser parser("UTF-8");
  parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, true);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACE_PREFIXES, true);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_GENERAL_ENTITIES, false);
  parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_PARAMETER_ENTITIES, false);
  parser.setContentHandler(&builder);
  parser.setProperty(Poco::XML::XMLReader::PROPERTY_LEXICAL_HANDLER,
                     static_cast<Poco::XML::LexicalHandler *>(&builder));
  try {
    parser.parseMemoryNP(document.data(), document.size());
  } catch (const Poco::Exception &failure) {
    if (!builder.failed()) return refuse("is not well-formed: " + failure.message());
  }
  return builder.take();
}

// Writing ---------------------------------------------------------------------------------------------------------

void append_escaped(std::string &out, std::string_view text, bool attribute) {
  std::size_t at = 0;
  std::size_t plain = 0;
  const auto replace = [&](std::size_t length, std::string_view with) {
    out.append(text, plain, at - plain);
    out.append(with);
    at += length;
    plain = at;
  };
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80) {
      std::size_t length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
      length = std::min(length, text.size() - at);
      const std::string_view sequence = text.substr(at, length);
      if (!valid_utf8(sequence)) {
        replace(1, "\xEF\xBF\xBD");
      } else if (sequence == "\xEF\xBF\xBE" || sequence == "\xEF\xBF\xBF") {
        replace(3, "");
      } else {
        at += length;
      }
      continue;
    }
    switch (byte) {
      case '&':
        replace(1, "&amp;");
        break;
      case '<':
        replace(1, "&lt;");
        break;
      case '>':
        replace(1, "&gt;");
        break;
      case '"':
        replace(1, "&quot;");
        break;
      case '\r':
        replace(1, "&#13;");
        break;
      case '\n':
        attribute ? replace(1, "&#10;") : void(++at);
        break;
      case '\t':
        attribute ? replace(1, "&#9;") : void(++at);
        break;
      default:
        byte < 0x20 ? replace(1, "") : void(++at);
    }
  }
  out.append(text, plain, text.size() - plain);
}

/// Writes elements and keeps track of which prefixes are declared where.
class Writer {
 public:
  explicit Writer(std::string &out) : out_(out) {}

  void element(const Element &element, bool with_lang) {
    const std::size_t scope = bindings_.size();
    local_ = scope;
    std::vector<std::string> attribute_prefixes;
    const std::string prefix = bind(element.ns, element.prefix, false);
    for (const Attribute &attribute : element.attributes) {
      attribute_prefixes.push_back(bind(attribute.ns, attribute.prefix, true));
    }
    out_.push_back('<');
    name(prefix, element.name);
    for (std::size_t i = scope; i < bindings_.size(); ++i) {
      out_.append(bindings_[i].prefix.empty() ? " xmlns" : " xmlns:").append(bindings_[i].prefix).append("=\"");
      append_escaped(out_, bindings_[i].ns, true);
      out_.push_back('"');
    }
    if (with_lang && !element.lang.empty() && element.attribute(kXmlNamespace, "lang") == nullptr) {
      out_.append(" xml:lang=\"");
      append_escaped(out_, element.lang, true);
      out_.push_back('"');
    }
    for (std::size_t i = 0; i < element.attributes.size(); ++i) {
      out_.push_back(' ');
      name(attribute_prefixes[i], element.attributes[i].name);
      out_.append("=\"");
      append_escaped(out_, element.attributes[i].value, true);
      out_.push_back('"');
    }
    if (element.text.empty() && element.children.empty()) {
      out_.append("/>");
    } else {
      out_.push_back('>');
      append_escaped(out_, element.text, false);
      for (const Element &child : element.children) {
        this->element(child, false);
        append_escaped(out_, child.tail, false);
      }
      out_.append("</");
      name(prefix, element.name);
      out_.push_back('>');
    }
    bindings_.resize(scope);
  }

 private:
  struct Binding {
    std::string prefix, ns;
  };

  void name(const std::string &prefix, const std::string &local_name) {
    if (!prefix.empty()) out_.append(prefix).push_back(':');
    out_.append(local_name);
  }

  /// The namespace that a prefix stands for here; null when it is not declared.
  const std::string *lookup(const std::string &prefix) const {
    for (std::size_t i = bindings_.size(); i > 0; --i) {
      if (bindings_[i - 1].prefix == prefix) return &bindings_[i - 1].ns;
    }
    return nullptr;
  }

  bool declared_on_this_tag(const std::string &prefix) const {
    for (std::size_t i = local_; i < bindings_.size(); ++i) {
      if (bindings_[i].prefix == prefix) return true;
    }
    return false;
  }

  /// A prefix that stands for `ns` on the tag that is being written, declared there if need be.
  std::string bind(const std::string &ns, const std::string &hint, bool attribute) {
    if (ns == kXmlNamespace) return "xml";
    if (ns.empty()) {
      if (attribute) return {};
      const std::string *current = lookup({});
      if (current != nullptr && !current->empty()) bindings_.push_back({{}, {}});
      return {};
    }
    const bool usable = !(attribute && hint.empty()) && hint != "xml" && hint != "xmlns";
    if (usable) {
      const std::string *current = lookup(hint);
      if (current != nullptr && *current == ns) return hint;
      if (!declared_on_this_tag(hint)) {
        bindings_.push_back({hint, ns});
        return hint;
      }
    }
    std::string made;
    do {
      made = "ns" + std::to_string(++made_);
    } while (lookup(made) != nullptr);
    bindings_.push_back({made, ns});
    return made;
  }

  std::string &out_;
  std::vector<Binding> bindings_;
  std::size_t local_ = 0;  // bindings from here on belong to the tag that is being written
  unsigned made_ = 0;
};

void collect_text(std::string &out, const Element &element) {
  out.append(element.text);
  for (const Element &child : element.children) {
    collect_text(out, child);
    out.append(child.tail);
  }
}

}  // namespace

const Element *Element::find(std::string_view want_ns, std::string_view want_name) const {
  for (const Element &child : children) {
    if (child.is(want_ns, want_name)) return &child;
  }
  return nullptr;
}

const std::string *Element::attribute(std::string_view want_ns, std::string_view want_name) const {
  for (const Attribute &candidate : attributes) {
    if (candidate.name == want_name && candidate.ns == want_ns) return &candidate.value;
  }
  return nullptr;
}

std::string Element::all_text() const {
  std::string out;
  collect_text(out, *this);
  return out;
}

Result<Element> parse(std::string_view document, const Limits &limits) {
  if (document.size() > limits.bytes) {
    return error(Status::OutOfRange, "the XML body is larger than " + std::to_string(limits.bytes) + " bytes");
  }
  try {
    if (document.starts_with("\xFE\xFF") || document.starts_with("\xFF\xFE")) {
      const auto converted = from_utf16(document);
      if (!converted) return refuse("is not valid UTF-16");
      return parse_utf8(*converted, limits);
    }
    return parse_utf8(document, limits);
  } catch (const std::bad_alloc &) {
    return error(Status::ResourceExhausted, "not enough memory to read the XML body");
  } catch (const std::exception &failure) {
    return refuse(std::string("could not be read: ") + failure.what());
  }
}

void append_xml(std::string &out, const Element &element) { Writer(out).element(element, true); }

void append_inner_xml(std::string &out, const Element &element) {
  append_escaped(out, element.text, false);
  for (const Element &child : element.children) {
    Writer(out).element(child, false);
    append_escaped(out, child.tail, false);
  }
}

void append_xml_escaped(std::string &out, std::string_view text) { append_escaped(out, text, false); }

}  // namespace Atoll::base::xml
